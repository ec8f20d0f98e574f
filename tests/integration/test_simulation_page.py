# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of a simulation, opened in a real browser that has no network and lives in another time zone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.synthetic import synthetic_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.simulate import simulate
from support.browser import NEEDS_BROWSER, Tab, read_in_tokyo

pytestmark = NEEDS_BROWSER
NASTY = "<b>lxc</b>/$1</script>"
RULED = {"nodes": 12, "guests_per_node": 8, "grouped": 0.3, "broken": 0.4, "maintenance": 1, "offline": 1, "reserve": 0.1, "overhead": 0.05}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    document = synthetic_cluster(**RULED, seed=1, observed_at=1_763_700_000)
    document["guests"][0]["name"] = NASTY
    folder = tmp_path_factory.mktemp("simulation")
    policy = {"resources": {"cpu": 1, "memory": 1}}
    return Path(simulate(cluster=document, strategies=["foresight", "greedy", "exact"], policy=policy, path=str(folder))["files"][0])


@pytest.fixture(scope="module")
def answers(page: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((page.parent / "simulation.json").read_text())
    return found


@pytest.fixture(scope="module")
def tab(page: Path) -> Iterator[Tab]:
    with read_in_tokyo(page) as opened:
        yield opened


def test_the_page_asks_for_nothing_and_complains_about_nothing(tab: Tab, page: Path) -> None:
    assert page.resolve().as_uri() in tab.requested
    assert tab.unwanted(page) == []


def test_what_stands_above(tab: Tab) -> None:
    assert tab.value("document.getElementById('headline').textContent").startswith("2 strategies on 12 nodes with ")
    assert "observed 2025-11-21 04:40 UTC" in tab.value("document.querySelector('header').textContent")
    assert "exact gave no answer." in tab.value("document.getElementById('notes').textContent")
    assert tab.count("table.told") == 3, "what it takes, cpu, memory"
    assert [row.split("\t")[0] for row in tab.value("document.querySelector('table.told').innerText").splitlines()] == [
        "strategy", "(now)", "foresight", "greedy", "exact",
    ]  # fmt: skip


def test_every_node_has_a_bar_and_every_move_an_arrow(tab: Tab, answers: dict[str, Any]) -> None:
    moves = answers["strategies"][0]["moves"]
    assert tab.count(".placement.js-plotly-plot") == 1, "what is folded away is not drawn"
    data = "document.querySelector('.placement').data"
    bars = tab.value(f"{data}.filter(t => t.type === 'bar' && t.base && t.marker.pattern.bgcolor).map(t => new Set(t.y).size)")
    assert len(bars) == 4, "two resources before and after"
    assert max(bars) <= 12
    for tip in ("source", "target"):
        assert tab.value(f"{data}.find(t => t.name === '{tip}').y.length") == moves
    drawn = tab.value("document.querySelectorAll('.placement .scatterlayer .trace path.point').length")
    assert drawn == 2 * moves
    shares = tab.value("JSON.parse(document.getElementById('placements').textContent).charts[0].panels.map(p => p.shares)")
    nodes = {node["name"]: node for node in answers["strategies"][0]["answer"]["nodes"]}
    labels = tab.value("JSON.parse(document.getElementById('placements').textContent).charts[0].labels")
    for row, label in enumerate(labels):
        node = nodes[label.split("  ")[0]]
        expected = [node[side][name] for side in ("before", "after") for name in ("cpu", "memory")]
        assert [panel[row] for panel in shares] == pytest.approx(expected, abs=1e-4)


def test_a_guest_keeps_its_colour(tab: Tab) -> None:
    script = """(() => { const found = {};
      for (const t of document.querySelector('.placement').data.filter(t => t.hovertext && t.base && t.marker.pattern.bgcolor)) {
        t.hovertext.forEach((words, i) => { if (words.includes('moves')) {
          const name = words.split('<br>')[0];
          (found[name] = found[name] || new Set()).add(t.marker.color[i]);
        } });
      }
      return Object.values(found).map(colours => colours.size); })()"""
    sizes = tab.value(script)
    assert len(sizes) > 5
    assert set(sizes) == {1}


def test_the_other_strategy_is_drawn_when_it_is_opened(tab: Tab) -> None:
    tab.value("document.querySelectorAll('details.strategy')[1].open = true")
    drawn = "document.querySelectorAll('.placement.js-plotly-plot').length === 2"
    tab.value(f"new Promise(done => {{ const look = () => {drawn} ? done(1) : setTimeout(look, 50); look(); }})")
    assert tab.complaints == []


def test_names_from_outside_are_text(tab: Tab) -> None:
    assert tab.count("b > b") == 0
    hover = tab.value("document.querySelector('.placement').data.filter(t => t.hovertext && t.base).flatMap(t => t.hovertext).join(' ')")
    assert "<b>" not in hover, "only what plotly breaks lines with"
    assert "&lt;b>lxc&lt;/b>/$1&lt;/script>" in hover


@pytest.mark.parametrize("width", [1900, 1300, 760, 420])
def test_nothing_sticks_out_of_the_page(tab: Tab, page: Path, width: int) -> None:
    tab.open(page, width=width)
    assert tab.value("document.documentElement.scrollWidth") <= width


def test_words_of_the_chart_do_not_lie_upon_each_other(tab: Tab, page: Path) -> None:
    tab.open(page, width=1300)
    crossed = tab.value("""(() => {
      const boxes = [...document.querySelectorAll('.placement text')].filter(t => t.textContent.trim() && getComputedStyle(t).visibility !== 'hidden')
        .map(t => [t.textContent, t.getBoundingClientRect()]).filter(([, b]) => b.width > 0);
      const found = [];
      boxes.forEach(([one, a], i) => boxes.slice(i + 1).forEach(([other, b]) => {
        const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left), high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (wide > 1 && high > 3) { found.push([one, other]); }
      }));
      return found; })()""")
    assert crossed == []


def test_a_large_cluster_has_curves_of_all_and_bars_of_few(tmp_path: Path) -> None:
    document = synthetic_cluster(nodes=70, guests_per_node=4)
    answer = simulate(cluster=document, path=str(tmp_path))
    with read_in_tokyo(Path(answer["files"][0])) as tab:
        assert tab.complaints == []
        assert tab.count(".curves.js-plotly-plot") == tab.count(".placement.js-plotly-plot") == 1
        assert tab.value("document.querySelector('.curves').data[0].y.length") == 70
        assert tab.value("document.querySelector('.placement').layout.yaxis.ticktext.length") == 25
        assert tab.value("document.querySelector('.placement').layout.yaxis.ticktext[24]") == "(46 other nodes)"
