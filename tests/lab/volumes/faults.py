"""What the tests of faults share: two requests to disturb, the end that every disturbance must come to, and files that get in the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lab.volumes.batch import shown
from lab.volumes.bench import MIB, Bench
from lab.volumes.matrix import BALLAST, LARGE, SMALL
from lab.volumes.recipes import Recipe
from support.modules import Outcome

# Whole extents, so that the size asked for is the size one gets.
GROWN, SHRUNK = 480, 320


@dataclass(frozen=True)
class Disturbed:
    """A request that a fault disturbs: the volume, the size in MiB, the permissions, and the tool that changes its file system."""

    recipe: Recipe
    size: int
    permissions: dict[str, Any]
    tool: str


GROWTH = Disturbed(Recipe(size=SMALL), GROWN, {}, "resize2fs")
GROWTH_UNMOUNTED = Disturbed(Recipe(size=SMALL, mounted=False, fstab=None), GROWN, {"allow_fsck": True}, "resize2fs")
SHRINKAGE = Disturbed(
    Recipe(size=LARGE, ballast=BALLAST), SHRUNK, {"allow_shrink": True, "allow_unmount": True, "allow_fsck": True}, "resize2fs"
)


def heal(bench: Bench, name: str, asked: Disturbed) -> Outcome:
    """The next run does what check mode foretells and ends clean, a third changes nothing, the volume is as asked and mounted as before, its
    data and a full check are well.

    Gives the answer of the next run.
    """
    foretold = bench.resize(name, asked.size, check=True, **asked.permissions)
    finished = bench.resize(name, asked.size, **asked.permissions)
    assert finished["status"] in ("changed", "ok"), finished["message"]
    for told in (foretold, finished):
        told.setdefault("diff", None)  # Ansible shows it only on demand; it follows from before and after
    assert shown(foretold) == shown(finished)
    assert finished["after"]["size"] == asked.size * MIB == bench.size(name)
    assert finished["after"]["fs_fills_volume"]
    again = bench.resize(name, asked.size, **asked.permissions)
    assert (again["status"], again["changed"], again["after"]) == ("ok", False, finished["after"]), again["message"]
    seen = bench.inspect([name])[name]
    assert seen.wrong == []
    for kept in ("signature", "mounted"):
        assert seen.now[kept] == seen.before[kept]
    bench.drop(name)
    return finished


# Takes all room and keeps asking for more; what was written stays.
WRITER = """
import os, sys, time
with open(sys.argv[1], "wb") as file:
    while True:
        try:
            file.write(bytes(1 << 20))
            file.flush()
        except OSError:
            open("/run/foresight-lab-full", "w").close()
            time.sleep(0.05)
"""


@contextmanager
def writer(bench: Bench, name: str) -> Iterator[None]:
    """Fills the file system until nothing goes in any more, and goes on trying; at the end what it wrote is removed."""
    bench.host.run("rm -f /run/foresight-lab-full; cat > /root/filler.py", data=WRITER)
    running = bench.host.start(f"exec python3 /root/filler.py /srv/{name}/filler")
    try:
        yield
    finally:
        bench.host.run("pkill -f filler.py", check=False)
        running.communicate(timeout=60)
        bench.host.run(f"rm -f /srv/{name}/filler; sync")


def is_full(bench: Bench) -> bool:
    return bench.host.run(["test", "-e", "/run/foresight-lab-full"], check=False).returncode == 0


def nobody_works(bench: Bench) -> bool:
    """Whether no module is left on the host."""
    return bench.host.run("pgrep -x python3 || pgrep -f AnsiballZ", check=False).returncode != 0


def ask(bench: Bench, name: str, asked: Disturbed, **more: Any) -> Outcome:
    return bench.resize(name, asked.size, **{**asked.permissions, **more})
