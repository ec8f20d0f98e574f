# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parameters of a model as bytes and back: safetensors with a JSON header and a checksum, never a pickle.

A safetensors file is the length of its JSON description (8 bytes), the description, the arrays. Ours has in the description's
metadata, as text, our header and a SHA-256 over header, description and arrays: what was damaged on the way is refused before its
arrays are read. The checksum finds damage; it is no signature.
"""

from __future__ import annotations

import hashlib
import json
import typing as t
from collections.abc import Mapping

from ansible_collections.foresight.capacity.plugins.plugin_utils.collection import collection_version
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np, safetensors, safetensors_numpy

if t.TYPE_CHECKING:
    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[t.Any]]

FORMAT = 1
_LENGTH_BYTES = 8
_METADATA, _OURS = "__metadata__", "foresight"


def to_bytes(arrays: Mapping[str, NDArray[t.Any]], header: Mapping[str, t.Any]) -> bytes:
    """Return a model as bytes; equal models give equal bytes.

    :param header: `kind`, and whatever else belongs to the model and JSON can hold. `format`, `code_version` and `shapes` are added.
    :raises InputError: without a kind, or for what JSON or safetensors cannot hold.
    """
    if not header.get("kind"):
        raise InputError(f"A model needs a kind in its header; seen: {sorted(header)}.")
    shapes = {name: list(np.shape(array)) for name, array in arrays.items()}
    whole = {"code_version": collection_version(), **header, "format": FORMAT, "shapes": shapes}
    try:
        plain = {name: np.array(array, order="C") for name, array in arrays.items()}
        description, data = _split(safetensors_numpy.save(plain, metadata={_OURS: ""}))
        text = json.dumps({"header": whole, "sha256": _checksum(whole, description, data)}, sort_keys=True, allow_nan=False)
        return safetensors_numpy.save(plain, metadata={_OURS: text})
    except (TypeError, ValueError, KeyError, safetensors.SafetensorError) as error:
        raise InputError(f"The model of kind {header['kind']!r} cannot be written: {error}") from error


def from_bytes(content: bytes, *, kind: str) -> tuple[Arrays, dict[str, t.Any]]:
    """Return the arrays and the header of a model.

    :raises InputError: for what is damaged, foreign, of another kind or of a newer format.
    """
    description, data = _split(content)
    metadata = description.get(_METADATA)
    if not isinstance(metadata, dict) or _OURS not in metadata:
        raise InputError("This is a safetensors file of somebody else: it has no header of this collection. Train the model anew.")
    try:
        ours = json.loads(metadata[_OURS])
        header, checksum = ours["header"], ours["sha256"]
        newest, seen = int(header["format"]), str(header["kind"])
    except (TypeError, ValueError, KeyError, RecursionError) as error:
        raise InputError(f"The header of the model is damaged ({error}). Train it anew, or restore it.") from error
    if _checksum(header, description, data) != checksum:
        raise InputError("The model is damaged: its checksum is not that of its content. Train it anew, or restore it.")
    if newest > FORMAT:
        raise InputError(
            f"The model has format {newest} (written by version {header.get('code_version')}); this version reads up to {FORMAT}. "
            "Install a newer version of the collection, or train the model anew."
        )
    if seen != kind:
        raise InputError(f"A model of kind {kind!r} is needed; seen: one of kind {seen!r}.")
    try:
        arrays = dict(safetensors_numpy.load(content))
    except (TypeError, ValueError, KeyError, safetensors.SafetensorError) as error:
        raise InputError(f"The arrays of the model cannot be read ({error}). Train it anew.") from error
    if {name: list(array.shape) for name, array in arrays.items()} != header.get("shapes"):
        raise InputError("The arrays of the model are not those that its header names. Train it anew.")
    return arrays, header


def _split(content: bytes) -> tuple[dict[str, t.Any], bytes]:
    """Return the description and the arrays' bytes of a safetensors file."""
    size = int.from_bytes(content[:_LENGTH_BYTES], "little")
    try:
        if len(content) < _LENGTH_BYTES + size:
            raise ValueError(f"{len(content)} bytes are too few")
        description = json.loads(content[_LENGTH_BYTES : _LENGTH_BYTES + size].decode())
        if not isinstance(description, dict):
            raise TypeError("its description is no mapping")
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"This is no model file, or a damaged one ({error}). Train the model anew, or restore it.") from error
    return description, content[_LENGTH_BYTES + size :]


def _checksum(header: Mapping[str, t.Any], description: Mapping[str, t.Any], data: bytes) -> str:
    """Return the SHA-256 of the header, of the description without what it holds of ours, and of the arrays."""
    tensors = {name: item for name, item in description.items() if name != _METADATA}
    plain = json.dumps([header, tensors], sort_keys=True, allow_nan=False)
    return hashlib.sha256(plain.encode() + b"\0" + data).hexdigest()
