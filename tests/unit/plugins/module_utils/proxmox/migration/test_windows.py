from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.outcome import (
    LIVE,
    MODES,
    OFFLINE,
    RESTART,
    Later,
    Refused,
)
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.windows import check_window, read_windows

DAY = 86400
MIDNIGHT = 20000 * DAY
HOUR = 3600


def verdict(windows, mode=LIVE, now=MIDNIGHT + 12 * HOUR, own=None, seconds=None):
    """None where it may begin, the time when it may, or the text of the refusal."""
    try:
        check_window(read_windows(windows), mode, own or {}, now=now, seconds=seconds)
    except Later as later:
        return later.at
    except Refused as refused:
        return f"{refused.reason}: {refused}"
    return None


def window(start, end, kinds=None):
    return {"from": start, "to": end, "kinds": kinds}


def test_without_windows_all_but_restarts_begin_at_any_time():
    assert verdict([], LIVE) is None
    assert verdict([], OFFLINE) is None
    assert verdict([], RESTART).startswith("window: ")
    assert "no window allows that" in verdict([], RESTART)


def test_window_that_is_open():
    assert verdict([window("10:00", "13:00")], RESTART) is None


def test_window_that_opens_today_and_tomorrow():
    assert verdict([window("13:00", "14:00")]) == MIDNIGHT + 13 * HOUR
    assert verdict([window("03:00", "04:00")]) == MIDNIGHT + DAY + 3 * HOUR


def test_window_over_midnight():
    assert verdict([window("22:00", "04:00")], now=MIDNIGHT + 1 * HOUR) is None
    assert verdict([window("22:00", "04:00")]) == MIDNIGHT + 22 * HOUR


def test_windows_that_touch_are_one():
    assert verdict([window("10:00", "13:00"), window("13:00", "16:00")], seconds=3 * HOUR) is None


def test_equal_times_are_the_whole_day_for_ever():
    assert verdict([window("00:00", "00:00")], seconds=3 * DAY) is None
    assert verdict([window("07:30", "07:30")], now=MIDNIGHT) is None


def test_kinds():
    assert "No window allows" in verdict([window("00:00", "00:00", ["restart"])], LIVE)
    assert verdict([window("00:00", "00:00", ["restart"])], RESTART) is None
    assert verdict([window("00:00", "00:00", ["live", "offline"]), window("01:00", "02:00", ["restart"])], RESTART) == MIDNIGHT + DAY + HOUR


def test_what_takes_too_long_waits_for_a_longer_window():
    windows = [window("11:00", "13:00"), window("20:00", "23:00")]
    assert verdict(windows, seconds=90 * 60) == MIDNIGHT + 20 * HOUR
    assert "longer than any window" in verdict(windows, seconds=4 * HOUR)


def test_window_of_the_action():
    now = MIDNIGHT + 12 * HOUR
    assert verdict([], own={"not_before": now + 5}) == now + 5
    assert verdict([], own={"not_before": now - 5}) is None
    assert "ended" in verdict([], own={"not_after": now})
    assert "at the earliest" in verdict([window("13:00", "14:00")], own={"not_after": now + 60})


@pytest.mark.parametrize(
    "wrong",
    [window("24:00", "01:00"), window("1:00", "02:00"), window("01:00", None), window(60, "02:00"), window("01:00", "02:00", ["lively"])],
)
def test_windows_that_make_no_sense(wrong):
    with pytest.raises(ValueError, match=r"O\(limits.windows\[0\].(from|to|kinds)\)"):
        read_windows([wrong])


times = st.integers(0, 24 * 60 - 1).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")


@given(
    st.lists(st.builds(window, times, times, st.none() | st.lists(st.sampled_from(MODES), min_size=1)), min_size=1, max_size=4),
    st.sampled_from(MODES),
    st.integers(MIDNIGHT, MIDNIGHT + 3 * DAY),
    st.none() | st.integers(0, DAY),
)
def test_time_that_is_named_is_one_at_which_it_begins(windows, mode, now, seconds):
    at = verdict(windows, mode, now=now, seconds=seconds)
    if isinstance(at, int):
        assert at > now
        assert verdict(windows, mode, now=at, seconds=seconds) is None
        assert verdict(windows, mode, now=at - 1, seconds=seconds) is not None
    if at is None:
        assert any(opens(one, mode, now) for one in windows)


def opens(one, mode, now):
    """Whether a window is open, by counting minutes on a dial."""
    if one["kinds"] is not None and mode not in one["kinds"]:
        return False
    start, end = (int(one[key][:2]) * 60 + int(one[key][3:]) for key in ("from", "to"))
    length = (end - start) % (24 * 60) or 24 * 60
    return (now % DAY / 60 - start) % (24 * 60) < length
