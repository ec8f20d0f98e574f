# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a report: each written whole or not at all; figures of a former report are removed, other files are left alone."""

from __future__ import annotations

import contextlib
import fcntl
import glob
import hashlib
import os
import re
import tempfile
from collections.abc import Collection, Iterator, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.images import SOFTWARE

_SAFE = re.compile(r"[A-Za-z0-9.-]+(?:/[A-Za-z0-9.-]+)*")
_LONGEST = 150
# The text chunk that names the software stands right behind the header of a PNG.
_LOOKED_AT = 512


def figure_name(volume: str) -> str:
    """Return the file name of a volume's figure; two volumes never share one.

    :param volume: `HOST/VG/LV`.
    """
    return f"volume-{file_part(volume)}.png"


def picture_name(cluster: str) -> str:
    """Return the file name of a cluster's figure; two clusters never share one."""
    return f"cluster-{file_part(cluster)}.png"


def file_part(text: str) -> str:
    """Return any text as a part of a file name; two texts never give the same."""
    plain = re.sub(r"[^A-Za-z0-9.-]+", "_", text)
    if _SAFE.fullmatch(text) and len(plain) <= _LONGEST:
        return plain
    return f"{plain[:_LONGEST]}-{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()[:8]}"


def write_file(folder: str, name: str, data: bytes, *, what: str = "the report", option: str = "path") -> str:
    """Write a file that everybody may read, in one step; return its path.

    :param what: it belongs to, and :param option: that names the folder, for the message.
    :raises InputError: if that is not possible; then the file is as it was.
    """
    target, temporary = os.path.join(folder, name), None
    try:
        os.makedirs(folder, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".report-")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
        raise _unwritten(target, error, what, option) from error
    return target


@contextlib.contextmanager
def alone_in(folder: str, name: str, *, what: str, option: str = "path") -> Iterator[None]:
    """Make a folder, and keep others who ask for the same out of it, so that its files are of one run.

    :param name: of the first file that will be written there; :param what, option: as of `write_file`.
    :raises InputError: if there can be no such folder.
    """
    try:
        os.makedirs(folder, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise _unwritten(os.path.join(folder, name), error, what, option) from error
    try:
        # Some file systems of networks have no locks; each file is whole there too.
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _unwritten(target: str, error: OSError, what: str, option: str) -> InputError:
    return InputError(
        f"Cannot write {what} to {target}: {error.strerror}. Needed is a folder with space that can be written (O({option}))."
    )


def remove_old_figures(
    folder: str, *, keep: Collection[str], patterns: Sequence[str] = ("volume-*.png", "cluster-*.png"), software: str = SOFTWARE
) -> list[str]:
    """Remove the figures that a former report wrote of what has none now; return their paths.

    Only files that say of themselves that a report wrote them go.

    :param patterns: of their names, and :param software: that they name, where something else than a report wrote them.
    """
    removed = []
    for path in sorted(path for pattern in patterns for path in glob.glob(os.path.join(glob.escape(folder), pattern))):
        if os.path.basename(path) not in keep and not os.path.islink(path) and says(path, software):
            try:
                os.unlink(path)
            except OSError as error:
                raise InputError(
                    f"Cannot remove {path} of a former report: {error.strerror}. Needed is a folder that can be written (O(path))."
                ) from error
            removed.append(path)
    return removed


def says(path: str, text: str) -> bool:
    """Return whether a figure says this of itself."""
    try:
        with open(path, "rb") as file:
            return text.encode() in file.read(_LOOKED_AT)
    except OSError:
        return False
