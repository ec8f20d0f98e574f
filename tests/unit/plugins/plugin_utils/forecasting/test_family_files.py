# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import numpy as np
import pytest

pytest.importorskip("safetensors")

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import family_files, forecast_panel, global_model, network
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.calibration import Calibration
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.distribution import LEVELS
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.family import Family
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.members import Label
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.windows import describe

KEY, HORIZON = "global/used_bytes/600/6/1", 6
RANDOM = np.random.default_rng(5)
HISTORIES = [100.0 + 10.0 * number + np.cumsum(RANDOM.normal(size=60 + 7 * number)) for number in range(4)]


def networks(features: int) -> list[dict[str, t.Any]]:
    """Return networks that say something, as if they had been trained."""
    layout = np.array([global_model.LAYOUT, 1, HORIZON, len(LEVELS)], dtype=np.float32)
    found = []
    for _number in range(global_model.NETWORKS):
        arrays = {name: (0.1 * RANDOM.normal(size=shape)).astype(np.float32) for name, shape in network.shapes(features).items()}
        arrays["deviation"] = np.abs(arrays["deviation"]) + np.float32(1.0)
        found.append({**arrays, "layout": layout})
    return found


def features() -> int:
    values = HISTORIES[0][None, :]
    own = global_model.own_past(values, season=1, horizon=HORIZON)
    return int(describe(values, own, season=1, ends=None, step_seconds=600.0).features.shape[2])


WIDTH = features()
LABELS = [Label("empirical", 1), Label("drift", 1), Label("global", 1)]
WHOLE = Family(
    1,
    HORIZON,
    networks(WIDTH),
    networks(WIDTH),
    LABELS,
    np.array([0.5, 0.1, 0.4]),
    np.array([1.0, 1.1, 1 / 3]),
    RANDOM.normal(size=(3, 3)),
    Calibration(np.sort(RANDOM.random((2, 5, len(LEVELS))), axis=2)),
    4,
)
CONTENT = family_files.to_bytes(WHOLE, key=KEY, step_seconds=600)


def same(one: Family, other: Family) -> bool:
    plain = one.season == other.season and one.horizon == other.horizon and one.labels == other.labels and one.series == other.series
    pairs = [(getattr(one, name), getattr(other, name)) for name in ("weights", "wrong", "apart")]
    pairs += [(one.calibration.levels, other.calibration.levels)]
    for mine, theirs in zip((*one.networks, *one.judges), (*other.networks, *other.judges), strict=True):
        pairs += [(mine[name], theirs[name]) for name in mine]
    return plain and all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in pairs)


def test_a_family_comes_back_whole_and_forecasts_to_the_last_bit() -> None:
    found = family_files.from_bytes(CONTENT, key=KEY)
    assert same(WHOLE, found)
    assert [set(item) for item in found.networks] == [set(item) for item in WHOLE.networks]
    said = [
        forecast_panel(HISTORIES, step_seconds=600, horizon=HORIZON, season=None, models=choices(), families={1: family})
        for family in (WHOLE, found)
    ]
    np.testing.assert_array_equal(said[0].quantiles, said[1].quantiles)
    np.testing.assert_array_equal(said[0].peak, said[1].peak)
    without = forecast_panel(
        HISTORIES, step_seconds=600, horizon=HORIZON, season=None, models=choices(), families={1: WHOLE._replace(calibration=None)}
    )
    assert not np.array_equal(without.quantiles, said[0].quantiles), "the calibration was used"
    assert said[0].method == ["global+empirical"] * 4


def choices() -> list[dict[str, t.Any]]:
    """Return choices of the global model, so that nothing is weighed anew."""
    choice = {
        "weights": [["empirical", 1, 0.4], ["global", 1, 0.6]],
        "season": 1,
        "reason": "",
        "mase": 1.0,
        "pinball": 1.0,
        "coverage80": 0.8,
    }
    return [{**choice, "origins": 3, "spread": 1.0, "tried_fits": True}] * len(HISTORIES)


def test_equal_families_are_equal_bytes() -> None:
    turned = WHOLE._replace(networks=[dict(reversed(item.items())) for item in WHOLE.networks])
    assert family_files.to_bytes(turned, key=KEY, step_seconds=600) == CONTENT


def test_one_without_networks_and_calibration_comes_back() -> None:
    bare = WHOLE._replace(networks=[], judges=[], calibration=None)
    found = family_files.from_bytes(family_files.to_bytes(bare, key=KEY, step_seconds=600), key=KEY)
    assert (found.networks, found.judges, found.calibration) == ([], [], None)
    np.testing.assert_array_equal(found.apart, WHOLE.apart)


@given(position=st.integers(0, len(CONTENT) - 1), mask=st.integers(1, 255))
@settings(max_examples=60, deadline=None)
def test_any_damaged_byte_is_refused_or_harmless(position: int, mask: int) -> None:
    damaged = bytearray(CONTENT)
    damaged[position] ^= mask
    try:
        found = family_files.from_bytes(bytes(damaged), key=KEY)
    except InputError:
        return
    assert same(WHOLE, found)


@given(end=st.integers(0, len(CONTENT) - 1))
@settings(max_examples=30, deadline=None)
def test_what_was_cut_is_refused(end: int) -> None:
    with pytest.raises(InputError):
        family_files.from_bytes(CONTENT[:end], key=KEY)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": np.array([0.5, 0.5])}, "do not fit each other"),
        ({"apart": np.zeros((3, 2))}, "do not fit each other"),
        ({"labels": [Label("drift", 1), *LABELS[1:]]}, "do not fit each other"),
        ({"labels": [*LABELS[:2], Label("oracle", 1)]}, "do not fit each other"),
        ({"calibration": Calibration(np.zeros((2, 5, 3)))}, "do not fit each other"),
        ({"horizon": 7}, "does not fit a season of 1 and a horizon of 7"),
        ({"networks": WHOLE.networks[:1]}, "does not fit"),
        ({"networks": [{**item, "mean": item["mean"][1:]} for item in WHOLE.networks]}, "does not fit"),
        ({"networks": [{name: array for name, array in item.items() if name != "layout"} for item in WHOLE.networks]}, "does not fit"),
        ({"judges": WHOLE.judges[:1]}, "does not fit"),
        ({"horizon": 0, "networks": [], "judges": []}, "do not fit each other"),
    ],
)
def test_what_does_not_belong_together_is_refused(change: dict[str, t.Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        family_files.from_bytes(family_files.to_bytes(WHOLE._replace(**change), key=KEY, step_seconds=600), key=KEY)


def test_the_row_of_another_series_is_refused() -> None:
    with pytest.raises(InputError, match="It is that of 'global/used_bytes/600/6/1'"):
        family_files.from_bytes(CONTENT, key="global/used_bytes/600/6/144")


def test_what_other_code_has_learned_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(family_files, "family_version", lambda: "other")
    with pytest.raises(InputError, match="learned by other code"):
        family_files.from_bytes(CONTENT, key=KEY)


@pytest.mark.parametrize("name", ["weights", "wrong", "apart"])
def test_numbers_that_are_not_finite_are_never_stored(name: str) -> None:
    with pytest.raises(InputError, match="not finite"):
        family_files.to_bytes(WHOLE._replace(**{name: getattr(WHOLE, name) * np.nan}), key=KEY, step_seconds=600)


def test_networks_that_are_not_finite_are_never_stored() -> None:
    broken = [{**item, "mean": item["mean"] * np.float32(np.inf)} for item in WHOLE.networks]
    with pytest.raises(InputError, match="not finite"):
        family_files.to_bytes(WHOLE._replace(networks=broken), key=KEY, step_seconds=600)
