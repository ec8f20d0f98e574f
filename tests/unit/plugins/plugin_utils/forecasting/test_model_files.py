# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

pytest.importorskip("safetensors")

from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import model_files

ARRAYS = {
    "weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "scale": np.array(1e300),
    "steps": np.array([-1, 2**40]),
    "empty": np.zeros((0, 4), dtype=np.float32),
}
CONTENT = model_files.to_bytes(ARRAYS, {"kind": "lstm", "season": 24})


def test_a_model_comes_back_whole() -> None:
    arrays, header = model_files.from_bytes(CONTENT, kind="lstm")
    assert set(arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype
        assert arrays[name].shape == array.shape
    assert (header["kind"], header["season"], header["format"]) == ("lstm", 24, model_files.FORMAT)
    assert header["code_version"]
    assert header["shapes"]["weight"] == [2, 3]


def test_equal_models_are_equal_bytes_in_any_order_and_memory_layout() -> None:
    turned = {name: np.array(ARRAYS[name], order="F") for name in reversed(ARRAYS)}
    assert model_files.to_bytes(turned, {"season": 24, "kind": "lstm"}) == CONTENT


@given(position=st.integers(0, len(CONTENT) - 1), mask=st.integers(1, 255))
@settings(max_examples=400, deadline=None)
def test_any_damaged_byte_is_refused_or_harmless(position: int, mask: int) -> None:
    damaged = bytearray(CONTENT)
    damaged[position] ^= mask
    try:
        arrays, header = model_files.from_bytes(bytes(damaged), kind="lstm")
    except InputError:
        return
    assert header == model_files.from_bytes(CONTENT, kind="lstm")[1]
    assert {name: (array.dtype, array.tobytes()) for name, array in arrays.items()} == {
        name: (array.dtype, array.tobytes()) for name, array in ARRAYS.items()
    }


@given(end=st.integers(0, len(CONTENT) - 1), more=st.binary(max_size=9))
@settings(max_examples=100, deadline=None)
def test_what_was_cut_or_replaced_is_refused(end: int, more: bytes) -> None:
    if CONTENT[:end] + more != CONTENT:
        with pytest.raises(InputError):
            model_files.from_bytes(CONTENT[:end] + more, kind="lstm")


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(InputError):
        model_files.from_bytes(content, kind="lstm")


def test_a_pickle_is_refused_and_not_run() -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return pytest.fail, ("a pickle was run",)

    with pytest.raises(InputError):
        model_files.from_bytes(pickle.dumps(Trap()), kind="lstm")


def test_a_foreign_file_is_refused() -> None:
    with pytest.raises(InputError, match="no header of this collection"):
        model_files.from_bytes(save({"weight": ARRAYS["weight"]}), kind="lstm")


def test_another_kind_is_refused() -> None:
    with pytest.raises(InputError, match="'global' is needed; seen: one of kind 'lstm'"):
        model_files.from_bytes(CONTENT, kind="global")


def test_a_newer_format_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_files, "FORMAT", 2)
    newer = model_files.to_bytes(ARRAYS, {"kind": "lstm"})
    monkeypatch.undo()
    with pytest.raises(InputError, match="format 2"):
        model_files.from_bytes(newer, kind="lstm")


@pytest.mark.parametrize("header", [{}, {"kind": ""}, {"kind": "lstm", "error": float("nan")}, {"kind": "lstm", "made_by": object()}])
def test_a_header_that_cannot_be_kept_is_refused(header: dict[str, object]) -> None:
    with pytest.raises(InputError):
        model_files.to_bytes(ARRAYS, header)


def test_a_checksum_over_nonsense_does_not_help() -> None:
    header = {"kind": "lstm", "format": 1, "shapes": {"x": [9]}}
    tensors = {"x": {"dtype": "F32", "shape": [9], "data_offsets": [0, 4]}}
    ours = json.dumps({"header": header, "sha256": model_files._checksum(header, tensors, b"1234")})
    text = json.dumps({"__metadata__": {"foresight": ours}, **tensors}).encode()
    with pytest.raises(InputError, match="cannot be read"):
        model_files.from_bytes(len(text).to_bytes(8, "little") + text + b"1234", kind="lstm")
