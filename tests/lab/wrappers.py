"""Wrappers on a lab host's PATH: note the calls of a tool, hold one, make one fail, or kill its caller before or after it.

The collection under test has no fault hooks; a tool that is found through PATH has this one instead.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lab.errors import LabError
from lab.paths import LAB
from lab.wait import wait_for

if TYPE_CHECKING:
    from lab.hosts import LabHost

When = Literal["before", "after"]
Victim = Literal["parent", "tree"]
Action = Literal["none", "kill", "hold", "fail"]

HOME = "/run/foresight-lab/wrappers"
CALLS = "/run/foresight-lab/calls"
PROGRESS = "/run/foresight-lab/progress"
BIN = "/usr/local/sbin"  # the first folder of PATH
SCRIPT = "/usr/local/lib/foresight-lab/wrapper"
# Every tool with which LVM and file-system code changes or reads a volume.
TOOLS = (
    *("lvm", "lvs", "vgs", "pvs", "lvcreate", "lvchange", "lvextend", "lvreduce", "lvresize", "fsadm", "dmsetup"),
    *("e2fsck", "fsck.ext4", "resize2fs", "tune2fs", "dumpe2fs", "xfs_growfs", "xfs_info", "xfs_repair", "xfs_spaceman"),
    *("btrfs", "resize.f2fs", "fsck.f2fs", "fatresize", "fsck.vfat", "cryptsetup"),
    *("lsblk", "blkid", "findmnt", "mount", "umount", "blockdev", "fsfreeze", "fuser", "mkswap", "swapon", "swapoff"),
)


@dataclass(frozen=True)
class Rule:
    """What a wrapper does at the ``nth`` call whose arguments match ``pattern`` (a shell glob over them all).

    ``fail`` ends with ``status``, ``before`` without running the tool, ``after`` when it has done its work. Rules of one
    ``sequence`` take turns, over all tools: a call counts for the rule whose ``turn`` it is, from 0 on, and then the next one has its turn.
    """

    action: Action = "none"
    when: When = "before"
    nth: int = 1
    pattern: str = "*"
    victim: Victim = "parent"
    signal: int = 9
    status: int = 5
    sequence: str = ""
    turn: int = 0

    def as_shell(self) -> str:
        values = {"action": self.action, "when": self.when, "nth": str(self.nth), "pattern": self.pattern}
        values |= {
            "victim": self.victim,
            "signal": str(self.signal),
            "failure": str(self.status),
            "sequence": self.sequence,
            "turn": str(self.turn),
        }
        return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())


@dataclass(frozen=True)
class Call:
    """One noted call: ``number`` counts the calls of the tool that matched its (last matching) rule's pattern (0: none matched)."""

    tool: str
    number: int
    arguments: str


@dataclass(frozen=True)
class Hold:
    """A call that stops at its wrapper until it is released."""

    host: LabHost
    tool: str

    def reached(self) -> bool:
        return self.host.run(["test", "-e", f"{HOME}/{self.tool}/0/reached"], check=False).returncode == 0

    def wait(self, timeout: float = 60.0) -> None:
        """Wait until the call stands at its wrapper."""
        wait_for(self.reached, timeout, f"{self.tool} on {self.host.name} to be held")

    def release(self) -> None:
        """Let the held call go on."""
        self.host.run(f"timeout 10 sh -c 'echo go > {HOME}/{self.tool}/0/gate'")


def install(host: LabHost, tool: str, rule: Rule) -> None:
    """Put the wrapper of ``tool`` with ``rule`` in place; earlier rules of the tool are replaced, its count starts anew."""
    install_many(host, {tool: [rule]})


def install_many(host: LabHost, rules: Mapping[str, Sequence[Rule]]) -> None:
    """Put the wrappers of several tools in place in one connection; of a tool's rules, the first that acts at a call decides."""
    found = host.run(f"for tool in {shlex.join(rules)}; do PATH=/usr/sbin:/usr/bin:/sbin:/bin command -v $tool || echo; done")
    paths = dict(zip(rules, found.stdout.splitlines(), strict=True))
    missing = [tool for tool, path in paths.items() if not path]
    if missing:
        raise LabError(f"{host.name} has no {', '.join(missing)} to wrap")
    homes = {f"{HOME}/{tool}/{number}": rule for tool in rules for number, rule in enumerate(rules[tool])}
    wrapper = (LAB / "wrapper.sh").read_text()
    # Few processes, many words: each one costs 20 ms under emulation.
    script = [
        "set -eu",
        f"rm -rf {' '.join(f'{HOME}/{tool}' for tool in rules)}; mkdir -p {' '.join(homes)}",
        f"mkfifo {' '.join(f'{home}/gate' for home in homes)}",
        f"cat > {SCRIPT} <<'WRAPPER'\n{wrapper}WRAPPER",
        f"chmod 755 {SCRIPT}; : >> {CALLS}; mkdir -p {PROGRESS}",
    ]
    script += [f"echo {paths[tool]} > {HOME}/{tool}/real" for tool in rules]
    for home, rule in homes.items():
        script += [f"echo 0 > {home}/count; : > {home}/lock", f"printf %s {shlex.quote(rule.as_shell())} > {home}/rule"]
    # Last of all, so that no call meets a wrapper without its rule.
    script += [f"ln -sfn {SCRIPT} {BIN}/{tool}" for tool in rules]
    host.run("sh -s", data="\n".join(script) + "\n")


def reached(host: LabHost, tool: str, number: int = 0) -> str | None:
    """What this rule of the tool left when it acted: the killed process id, ``nobody``, or an empty text for a hold; None before."""
    return reached_all(host, [(tool, number)])[0]


def reached_all(host: LabHost, rules: Sequence[tuple[str, int]]) -> list[str | None]:
    """The same for many rules, in one connection."""
    files = " ".join(f"{HOME}/{tool}/{number}/reached" for tool, number in rules)
    done = host.run(f'for file in {files}; do if [ -e $file ]; then echo "reached $(cat $file)"; else echo; fi; done')
    return [line.removeprefix("reached").strip() if line else None for line in done.stdout.splitlines()]


def calls(host: LabHost) -> list[Call]:
    """The noted calls of all wrapped tools, oldest first."""
    done = host.run(f"cat {CALLS}", check=False)
    noted = []
    for line in done.stdout.splitlines():
        tool, number, arguments = line.split("\t", 2)
        noted.append(Call(tool, int(number), arguments))
    return noted


def clear(host: LabHost) -> None:
    """Take all wrappers and their notes away; a call that is still held is released first."""
    host.run(
        f"for home in {HOME}/*/*/; do [ -e $home/reached ] && grep -q action=hold $home/rule && timeout 5 sh -c 'echo go > $0/gate' $home; done; "
        f"find {BIN} -maxdepth 1 -type l -lname {SCRIPT} -delete; rm -rf {HOME} {CALLS} {PROGRESS}"
    )
