"""Which files a result of the lab stands on, and when their hash changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import results, sources
from lab.results import Result
from lab.sources import CHECKOUT, closure, code, hash_of, lv_resize_sources

BEFORE = '''"""Text."""
# A remark.
import os
DOCUMENTATION = r"""
module: x
"""


def f(a):
    """More text.

    # no comment
    """
    return a + "# no comment"  # but this
'''


def test_lv_resize_stands_on_what_ansible_sends_to_the_host() -> None:
    names = {str(path.relative_to(CHECKOUT / "plugins")) for path in lv_resize_sources()}
    assert {
        "modules/lv_resize.py",
        "module_utils/resize/flow.py",
        "module_utils/resize/filesystems/ext.py",
        "module_utils/lvm_report.py",
    } <= names
    assert "module_utils/lxc_report.py" not in names
    assert not [name for name in names if not name.startswith(("modules/lv_resize", "module_utils/"))]


def test_a_lab_test_stands_on_the_tables_it_uses() -> None:
    names = {path.name for path in closure([CHECKOUT / "tests" / "lab" / "test_matrix.py"])}
    assert {"test_matrix.py", "matrix.py", "recipes.py", "bench.py", "modules.py"} <= names
    assert not {"report.py", "refusals.py", "lv_resize.py"} & names


def test_words_for_readers_do_not_count() -> None:
    after = (
        BEFORE.replace("Text.", "Other text.").replace("A remark.", "None").replace("module: x", "module: y").replace("but this", "or that")
    )
    assert after != BEFORE
    assert code(after) == code(BEFORE)


@pytest.mark.parametrize(
    ("old", "new"), [("a + ", "a * "), ('"# no comment"', '"# a comment"'), ("import os", "import sys"), ("f(a)", "f(a, b)")]
)
def test_what_a_host_would_notice_counts(old: str, new: str) -> None:
    assert code(BEFORE.replace(old, new)) != code(BEFORE)


def test_a_file_that_moves_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "CHECKOUT", tmp_path)
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "b.py").write_text("x = 1\n")
    assert hash_of([tmp_path / "a.py"]) != hash_of([tmp_path / "b.py"])
    assert hash_of([tmp_path / "a.py", tmp_path / "b.py"]) == hash_of([tmp_path / "b.py", tmp_path / "a.py"])


def noted(test: str, outcome: str = "done", made_from: str = "now") -> Result:
    return Result(test, outcome, "said", 1.0, "2026-11-21T12:00:00+00:00", "abc", made_from, {"lvm2": "2"})


def test_the_newest_result_counts_and_half_a_line_does_not(tmp_path: Path) -> None:
    notebook = tmp_path / "results.jsonl"
    for result in (noted("a::x"), noted("a::y"), noted("a::x", "failed")):
        result.append(notebook)
    with notebook.open("a") as file:
        file.write('{"test": "a::y", "outc')
    assert {test: result.outcome for test, result in results.read(notebook).items()} == {"a::x": "failed", "a::y": "done"}


def test_nothing_was_noted_yet(tmp_path: Path) -> None:
    assert results.read(tmp_path / "results.jsonl") == {}


def test_only_what_passed_with_the_same_sources_is_left_out() -> None:
    all_of_them = [noted("a::x"), noted("a::y", "failed"), noted("a::z", made_from="before"), noted("gone::x")]
    valid = results.still_valid(all_of_them, lambda test: None if test.startswith("gone") else "now")
    assert list(valid) == ["a::x"]


def test_every_file_that_is_named_exists() -> None:
    assert [name for name in (*results.MODULE_TESTS, *results.STORIES) if not (CHECKOUT / "tests" / "lab" / name).is_file()] == []
