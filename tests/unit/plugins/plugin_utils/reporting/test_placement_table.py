# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_table import Attempt, failures, lines, tables
from support.placement_views import GIB, hand_view


def attempts():
    return [Attempt("foresight", hand_view(), ""), Attempt("exact", None, "It is too large.")]


def test_numbers_stand_in_the_tables():
    effort, memory, cpu = tables(attempts())
    assert effort.rows == [
        ["(now)", "–", "–", "–", "–", "2", "–", ""],
        ["foresight", "2", "40 GiB", "2", "32s", "0", "0.50 s", "improved"],
        ["exact", "–", "–", "–", "–", "–", "–", "no answer"],
    ]  # fmt: skip
    assert (memory.title, cpu.title) == ("Memory", "CPU (not balanced)")
    assert memory.rows == [
        ["(now)", "30 GiB", "30.0 %", "60.0 %", "80.0 %", "–"],
        ["foresight", "5 GiB", "5.0 %", "10.0 %", "60.0 %", "83.3 %"],
    ]
    assert cpu.rows[0][1] == "5 cores", "11 and 1"
    assert failures(attempts()) == ["exact gave no answer. It is too large."]


def test_columns_are_aligned_and_no_line_ends_with_a_space():
    for table in tables(attempts()):
        told = lines(table)
        assert told[0] == table.title
        assert all(line == line.rstrip() for line in told)
        for name in table.head[1 : len(table.head) - table.words]:
            end = told[1].index(name) + len(name)
            assert all(line[end - 1] != " " and line[end : end + 1] in ("", " ") for line in told[2:]), (table.title, name)


def test_without_any_answer_there_is_no_table():
    assert tables(attempts()[1:]) == []


def test_sizes_are_told_in_the_unit_of_the_resource():
    view = hand_view()
    memory, cpu = view.resources
    assert (memory.amount(3 * GIB), cpu.amount(2.5)) == ("3 GiB", "2.5 cores")
