"""Which tests stay on one worker when pytest-xdist runs several: those that share hosts.

xdist's own groups (``--dist loadgroup``) put the group into the node id, which pytest 9 does not take over any more.
"""

from __future__ import annotations

import re

from xdist.scheduler import LoadScopeScheduling

# In these files each group has a host of its own; its name stands at the beginning of the name of a case, before a colon.
_GROUPED = re.compile(r"(.*/test_(?:matrix|refusals|resize_kills)\.py)::\w+\[([^:\]]+):")


def group_of(nodeid: str) -> str:
    """The group of a test: the file, and what its case names before a colon where groups of a file have hosts of their own."""
    found = _GROUPED.match(nodeid)
    return f"{found.group(1)} {found.group(2)}" if found else nodeid.partition("::")[0]


class GroupScheduling(LoadScopeScheduling):
    """Hands whole groups to the workers, those with the most tests first."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)
