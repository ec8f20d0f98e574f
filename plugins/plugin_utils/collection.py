# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What this collection is: its version, from the manifest of an installed copy or galaxy.yml of a checkout."""

from __future__ import annotations

import functools
import json
import pathlib
import re

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import ForesightError

ROOT = pathlib.Path(__file__).resolve().parents[2]


@functools.cache
def collection_version(root: pathlib.Path = ROOT) -> str:
    """Return the version of the collection.

    :raises ForesightError: when the collection's folder has neither MANIFEST.json nor galaxy.yml.
    """
    manifest, galaxy = root / "MANIFEST.json", root / "galaxy.yml"
    if manifest.is_file():
        return str(json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"])
    found = re.search(r"^version:\s*['\"]?([^'\"\s#]+)", galaxy.read_text(encoding="utf-8"), re.MULTILINE) if galaxy.is_file() else None
    if found is None:
        raise ForesightError(
            f"{root} holds neither MANIFEST.json nor galaxy.yml with a version; needed is a complete copy of the collection."
        )
    return found.group(1)
