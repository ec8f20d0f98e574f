# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a generated fleet, opened in a real browser that has no network and lives in another time zone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.report import report
from support import generated, generated_clusters
from support.browser import NEEDS_BROWSER, Tab, read_in_tokyo

pytestmark = NEEDS_BROWSER


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    store = generated.fill(folder, synthetic=True)
    generated.make_plan(store)
    answer = report(store=store, now=generated.NOW, hosts=generated.HOSTS, path=str(folder / "report"), images=0)
    return Path(answer["files"][0])


@pytest.fixture(scope="module")
def tab(page: Path) -> Iterator[Tab]:
    with read_in_tokyo(page) as opened:
        yield opened


def test_the_page_asks_for_nothing_and_complains_about_nothing(tab: Tab, page: Path) -> None:
    assert page.resolve().as_uri() in tab.requested
    assert tab.unwanted(page) == []


def test_every_part_is_there(tab: Tab) -> None:
    for selector in (
        "#headline",
        "#summary .figure",
        "#notes li",
        "#volumes tr.volume",
        "#quiet tr.volume",
        "#plan",
        "#actions",
        "#refused",
        "#proposals",
    ):
        assert tab.count(selector), selector
    assert tab.count("tr.volume") == 17
    assert "need you" in tab.value("document.getElementById('headline').textContent")


def test_one_drawn_chart_per_volume_with_a_history(tab: Tab) -> None:
    assert tab.count(".chart") == tab.count(".chart.js-plotly-plot") == 14, "twelve volumes, a thin pool and a snapshot"
    drawn = tab.value(
        "[...document.querySelectorAll('.chart')].map(c => c.querySelectorAll('svg.main-svg .scatterlayer path.js-line').length)"
    )
    assert min(drawn) >= 3, "used, full and forecast"


def test_the_axis_is_utc_wherever_the_reader_is(tab: Tab) -> None:
    assert tab.value("new Date(0).getHours()") == 9, "the browser is in Tokyo"
    assert tab.value("document.querySelector('.chart').data.find(t => t.name === 'used').x[0]") == "2025-11-20T12:00:00"
    assert str(tab.value("document.querySelector('.chart')._fullLayout.xaxis.range[0]")).startswith("2025-11-20 12:00")
    assert tab.value("document.querySelector('.chart')._fullLayout.xaxis.title.text") == "time, UTC"


def test_bars_before_and_after_fill_their_groups(tab: Tab) -> None:
    assert tab.count(".group") == 9
    assert tab.count(".vgbar") == 12, "three groups change"
    assert tab.count(".vgbar i.growth") == 4
    overfull = tab.value("[...document.querySelectorAll('.vgbar')].filter(b => b.scrollWidth > b.clientWidth + 1).length")
    assert overfull == 0


def test_names_from_outside_are_text(tab: Tab) -> None:
    assert generated.NASTY_MOUNT in tab.value("document.body.innerText")
    assert tab.count("tr.volume b > b") == 0


@pytest.mark.parametrize("width", [1600, 1300, 760, 420])
def test_nothing_sticks_out_of_the_page(tab: Tab, page: Path, width: int) -> None:
    tab.open(page, width=width)
    assert tab.value("document.documentElement.scrollWidth") <= width


def test_the_filter_finds_a_volume_among_many(tmp_path: Path) -> None:
    store = str(tmp_path / "store.db")
    generated.fill_many(store, hosts=5, volumes=10, observations=2)
    names = [f"many{number}" for number in range(5)]
    answer = report(store=store, now=generated.NOW, hosts=names, path=str(tmp_path), images=0, charts=30)
    with read_in_tokyo(Path(answer["files"][0])) as tab:
        assert (tab.count("tr.volume"), tab.count(".chart")) == (50, 30)
        assert 0 < tab.count(".chart.js-plotly-plot") < 30, "only what is in sight is drawn"
        tab.value("(() => { const f = document.getElementById('filter'); f.value = 'many3/VG0'; f.dispatchEvent(new Event('input')); })()")
        assert tab.value("[...document.querySelectorAll('tr.volume')].filter(r => r.offsetParent !== null).length") == 10
        tab.value("window.scrollTo(0, document.body.scrollHeight)")
        tab.value(
            "new Promise(done => { const look = () => document.querySelector('.card:last-child .main-svg') ? done(1) : setTimeout(look, 50); look(); })"
        )
        assert tab.complaints == []


@pytest.fixture(scope="module")
def cluster_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of one cluster with a plan and one without."""
    folder = tmp_path_factory.mktemp("clusters")
    store = str(folder / "store.db")
    documents = [generated_clusters.document(maintenance=1, grouped=0.3, broken=0.4), generated_clusters.document("lab", seed=3)]
    hosts = generated_clusters.fill(store, *documents)
    generated_clusters.make_plan(store, hosts[:1])
    return Path(report(store=store, now=generated_clusters.NOW, hosts=hosts, path=str(folder), images=0)["files"][0])


def test_a_cluster_has_bars_before_and_after_and_an_arrow_for_each_move(cluster_page: Path) -> None:
    with read_in_tokyo(cluster_page) as tab:
        assert tab.unwanted(cluster_page) == []
        assert tab.count(".placement.js-plotly-plot") == 1, "what is folded away is not drawn"
        charts = "JSON.parse(document.getElementById('placements').textContent).charts"
        moves = tab.value(f"{charts}[0].moves.length")
        assert moves > 2
        assert tab.count("table.moves tbody tr") == moves
        data = "document.querySelector('.placement').data"
        assert tab.value(f"{data}.filter(t => t.type === 'bar' && t.base && t.marker.pattern.bgcolor).length") == 4, (
            "two resources, two sides"
        )
        for tip in ("source", "target"):
            assert tab.value(f"{data}.find(t => t.name === '{tip}').y.length") == moves
        assert tab.value("document.querySelectorAll('.placement .scatterlayer .trace path.point').length") == 2 * moves
        assert tab.count("table.moves .verdict.planned") == moves
        assert "olume" not in tab.value("document.body.innerText")
        hover = tab.value(f"{data}.filter(t => t.hovertext && t.base).flatMap(t => t.hovertext).join(' ')")
        assert "<b>" not in hover, "names from outside are text"
        assert tab.count("b > b") == 0

        tab.value("document.querySelectorAll('details.strategy')[1].open = true")
        drawn = "document.querySelectorAll('.placement.js-plotly-plot').length === 2"
        tab.value(f"new Promise(done => {{ const look = () => {drawn} ? done(1) : setTimeout(look, 50); look(); }})")
        now = "document.querySelectorAll('.placement')[1].data"
        assert tab.value(f"{now}.filter(t => t.type === 'bar' && t.base && t.marker.pattern.bgcolor).length") == 2, "one side alone"
        assert tab.value(f"{now}.some(t => t.name === 'source')") is False
        assert tab.complaints == []
        for width in (1600, 760, 420):
            tab.open(cluster_page, width=width)
            assert tab.value("document.documentElement.scrollWidth") <= width
