# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which code made what is stored."""

from __future__ import annotations

import functools
import hashlib
import os


@functools.cache
def code_version(*files: str) -> str:
    """Return a digest of this package's code, or of some files of it: what is stored and was made by other code is not taken for made by this."""
    folder = os.path.dirname(os.path.abspath(__file__))
    digest = hashlib.sha256()
    for name in sorted(files or (name for name in os.listdir(folder) if name.endswith(".py"))):
        with open(os.path.join(folder, name), "rb") as stream:
            digest.update(stream.read())
    return digest.hexdigest()[:12]
