# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/volumes.md tells what the present lv_resize did in the lab, not an earlier one."""

from __future__ import annotations

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "tests"))

from lab.sources import hash_of, lv_resize_sources

PAGE = ROOT / "docs" / "volumes.md"


def test_the_page_was_made_from_the_present_sources() -> None:
    found = re.search(r"^- Sources of lv_resize: `(\w+)`$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert found, "docs/volumes.md names no hash; make lab-full writes it"
    present = hash_of(lv_resize_sources())
    assert found.group(1) == present, (
        f"docs/volumes.md was made from other sources of lv_resize ({found.group(1)}, now {present}): run make lab-full, which tests them in the lab "
        "and writes it anew"
    )


def test_nothing_is_missing_from_the_page() -> None:
    assert "not shown" not in PAGE.read_text(encoding="utf-8").lower(), "docs/volumes.md lacks cases: run make lab-full"
