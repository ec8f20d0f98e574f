# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What strategies make of a cluster as tables of texts: one of what it takes, and one for each resource of what it brings."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import format_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_texts import NONE, percent, resource_name
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_view import (
    BALANCE,
    Figures,
    PlacementView,
    ResourceView,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.sizes import format_bytes

NOW = "(now)"
_GAP = 2


class Attempt(t.NamedTuple):
    """What became of one strategy: its placement, or why there is none."""

    strategy: str
    view: PlacementView | None
    why: str


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows of texts under a head; the first column names the row, `words` columns at the end are words, all others numbers."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int = 0


def tables(attempts: Sequence[Attempt]) -> list[Table]:
    """Return the tables; nothing where no strategy has come to an answer."""
    views = [attempt.view for attempt in attempts if attempt.view is not None]
    if not views:
        return []
    return [_effort(attempts, views[0]), *(_resource(attempts, views[0], resource) for resource in views[0].resources)]


def figures(view: PlacementView) -> Table:
    """Return the figures of one placement, a row for each resource: before and after in one cell, all of load / usable capacity."""
    head = ["load / usable capacity", "spread: fullest − emptiest node", "fullest node", "standard deviation"]
    rows = []
    for resource in view.resources:
        was, now = (side.figures[resource.name] for side in (view.before, view.after))
        pairs = ((was.spread, now.spread), (was.highest, now.highest), (was.std_ratio, now.std_ratio))
        cells = [f"{percent(one)} → {percent(other)}" if view.is_answer else percent(one) for one, other in pairs]
        rows.append([_title(view, resource), *cells, *([percent(view.improvement(resource.name))] if view.is_answer else [])])
    return Table("Figures", [*head, *(["its improvement"] if view.is_answer else [])], rows)


def lines(table: Table) -> list[str]:
    """Return a table as lines for a terminal, columns aligned, no space at the end."""
    cells = [list(table.head), *(list(row) for row in table.rows)]
    wide = [max(len(row[column]) for row in cells) for column in range(len(table.head))]
    numbers = range(1, len(table.head) - table.words)
    told = [
        (" " * _GAP).join(text.rjust(width) if column in numbers else text.ljust(width) for column, (text, width) in enumerate(zip(row, wide, strict=True)))
        for row in cells
    ]  # fmt: skip
    return [table.title, *(line.rstrip() for line in told)]


def failures(attempts: Sequence[Attempt]) -> list[str]:
    """Return why some strategies came to no answer, a sentence each."""
    return [f"{attempt.strategy} gave no answer. {attempt.why}" for attempt in attempts if attempt.view is None]


def _effort(attempts: Sequence[Attempt], first: PlacementView) -> Table:
    rows = [[NOW, *[NONE] * 4, str(first.before.violations), NONE, ""]]
    for strategy, view, _why in attempts:
        if view is None:
            rows.append([strategy, *[NONE] * 6, "no answer"])
            continue
        wall = view.wall_seconds
        rows.append(
            [
                strategy, f"{len(view.moves):,}", format_bytes(view.size), f"{len(view.waves):,}", NONE if wall is None else format_duration(wall),
                str(view.after.violations), f"{view.seconds:.2f} s", view.verdict.replace("_", " "),
            ]
        )  # fmt: skip
    return Table("What it takes", ["strategy", "moves", "bytes", "waves", "they take", "violations", "CPU time", "verdict"], rows, words=1)


def _resource(attempts: Sequence[Attempt], first: PlacementView, resource: ResourceView) -> Table:
    rows = [[NOW, *_figures(first.before.figures[resource.name], resource), NONE]]
    for strategy, view, _why in attempts:
        if view is not None:
            rows.append([strategy, *_figures(view.after.figures[resource.name], resource), percent(view.improvement(resource.name))])
    return Table(_title(first, resource), ["strategy", "std deviation", "of the ratio", "spread", "maximum", "improvement"], rows)


def _title(view: PlacementView, resource: ResourceView) -> str:
    name = "Memory" if resource.name == "memory" else resource_name(resource)
    return f"{name}{' (not balanced)' if view.goal == BALANCE and not resource.balanced else ''}"


def _figures(figures: Figures, resource: ResourceView) -> list[str]:
    return [resource.amount(figures.std), percent(figures.std_ratio), percent(figures.spread), percent(figures.highest)]
