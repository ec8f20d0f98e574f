from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.rooms import MEMORY, Rooms

MEMORY_OF_A = ("a", MEMORY)
DISKS_OF_A = ("a", "local")


def test_what_was_promised_is_not_promised_twice():
    rooms = Rooms()
    assert rooms.promise("one", {MEMORY_OF_A: 6}, {MEMORY_OF_A: 10}) is None
    assert rooms.promise("two", {MEMORY_OF_A: 6}, {MEMORY_OF_A: 10}) == (MEMORY_OF_A, 4, True)
    rooms.give_back("one")
    assert rooms.promise("two", {MEMORY_OF_A: 6}, {MEMORY_OF_A: 10}) is None


def test_every_place_must_have_room():
    rooms = Rooms()
    needs = {MEMORY_OF_A: 1, DISKS_OF_A: 5}
    assert rooms.promise("one", needs, {MEMORY_OF_A: 10, DISKS_OF_A: 4}) == (DISKS_OF_A, 4, False)
    # Nothing of it is kept.
    assert rooms.promise("two", {MEMORY_OF_A: 10}, {MEMORY_OF_A: 10}) is None


def test_what_is_foretold_takes_and_leaves_room():
    rooms = Rooms()
    rooms.foretell({MEMORY_OF_A: 6}, {("b", MEMORY): 6})
    assert rooms.promise("one", {MEMORY_OF_A: 6}, {MEMORY_OF_A: 10}) == (MEMORY_OF_A, 4, False)
    assert rooms.promise("one", {("b", MEMORY): 12}, {("b", MEMORY): 6}) is None


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 10), st.booleans()), max_size=30), st.integers(0, 40))
def test_never_more_is_promised_than_there_is(steps, free):
    rooms, held = Rooms(), {}
    for number, need, back in steps:
        if back:
            rooms.give_back(str(number))
            held.pop(number, None)
        elif rooms.promise(str(number), {MEMORY_OF_A: need}, {MEMORY_OF_A: free}) is None:
            held[number] = need
        assert sum(held.values()) <= free
