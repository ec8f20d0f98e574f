from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.request import Move
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.schedule import Limits, Schedule

NODES = ["a", "b", "c", "d"]


def move(number, source="a", target="b", wave=1, after=()):
    return Move(f"m{number}", "lab", f"lxc/{number}", "lxc", number, source, target, None, wave, tuple(after), {}, None, (), {})


@st.composite
def plans(draw):
    moves = []
    for number in range(draw(st.integers(0, 12))):
        source, target = draw(st.permutations(NODES))[:2]
        wave = draw(st.integers(1, 3))
        earlier = [one.id for one in moves if one.wave <= wave]
        after = draw(st.lists(st.sampled_from(earlier), max_size=2, unique=True)) if earlier else []
        moves.append(move(number, source, target, wave, after))
    return sorted(moves, key=lambda one: one.wave)


limits = st.builds(
    Limits, total=st.integers(1, 5), per_node_in=st.integers(1, 3), per_node_out=st.integers(1, 3), max_failures=st.integers(0, 3)
)


class Course:
    """A run of a schedule, whose ends and delays hypothesis chooses."""

    def __init__(self, moves, limits, data):
        self.moves, self.limits, self.data = moves, limits, data
        self.schedule = Schedule(moves, limits)
        self.running, self.ended, self.wrong, self.begun = [], [], [], []
        self.now = 0

    def go(self):
        for _step in range(400):
            for one in self.schedule.begin(self.now):
                self.check_begin(one)
                self.running.append(one)
            if not self.running:
                opens = self.schedule.opens()
                if opens is None:
                    return
                assert opens > self.now
                self.now = opens
                continue
            self.end(self.data.draw(st.sampled_from(self.running)))
        raise AssertionError("it does not end")

    def end(self, one):
        self.running.remove(one)
        how = self.data.draw(st.sampled_from(["well", "well", "wrong", "later", "when another ended"]))
        self.begun.append(one)
        if how == "later" and self.begun.count(one) < 3:
            self.schedule.put_back(one, self.now + 10)
        elif how == "when another ended" and self.running:
            self.schedule.put_back(one, None)
        else:
            self.ended.append(one)
            if how == "wrong":
                self.wrong.append(one)
            self.schedule.end(one, well=how != "wrong")

    def check_begin(self, one):
        done = {other.id for other in self.ended if other not in self.wrong}
        assert one not in self.ended
        assert one not in self.running
        assert len(self.running) < self.limits.total
        assert sum(other.target == one.target for other in self.running) < self.limits.per_node_in
        assert sum(other.source == one.source for other in self.running) < self.limits.per_node_out
        assert all(other in self.ended for other in self.moves if other.wave < one.wave)
        assert not any(other.wave < one.wave for other in self.wrong)
        assert len(self.wrong) <= self.limits.max_failures
        assert done.issuperset(one.after)


@given(plans(), limits, st.data())
def test_limits_and_order_hold_whatever_happens(moves, limits, data):
    course = Course(moves, limits, data)
    course.go()
    # All are accounted for, and what was left was left for a reason.
    assert sorted(one.id for one in (*course.ended, *course.schedule.waiting)) == sorted(one.id for one in moves)
    if not course.wrong:
        assert not course.schedule.waiting
    if course.schedule.stopped_by is not None:
        assert course.schedule.stopped_by in course.wrong


def test_wave_begins_when_the_one_before_has_ended():
    first, second = move(1), move(2, "c", "d", 2)
    schedule = Schedule([first, second], Limits(9, 9, 9, 0))
    assert schedule.begin(0) == [first]
    assert schedule.begin(0) == []
    schedule.end(first, well=True)
    assert schedule.begin(0) == [second]


def test_failure_of_a_wave_stops_the_next_even_if_more_may_fail():
    moves = [move(1), move(2), move(3, wave=2)]
    schedule = Schedule(moves, Limits(1, 9, 9, 5))
    assert schedule.begin(0) == moves[:1]
    schedule.end(moves[0], well=False)
    assert schedule.begin(0) == moves[1:2]
    schedule.end(moves[1], well=True)
    assert schedule.begin(0) == []
    assert schedule.stopped_by is moves[0]
    assert schedule.waiting == (moves[2],)
