# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.clusters import ClusterView
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.groups import GroupView, Part
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.html import GROUPS_SHOWN, chart_data, render_html
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.observed_placement import observed_view
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.page import ROWS_SHOWN, script_safe
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_view import Breach
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.verdicts import Progress
from support.placement_views import by_hand, hand_view

NASTY = "</script><script>boom()</script><!--<img src=x onerror=boom()> ü\"'& {{ 7*7 }}"
OWN_TAGS = {
    "html", "head", "meta", "link", "title", "style", "body", "header", "div", "p", "h1", "main", "b", "ul", "li", "h2", "input", "table", "thead",
    "tbody", "colgroup", "col", "tr", "th", "td", "span", "i", "em", "details", "summary", "code", "br", "section", "h3", "script",
}  # fmt: skip


class Page(HTMLParser):
    """What a browser would see: tags, text outside of scripts, and the scripts."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.text, self.scripts, self.script = [], [], "", [], False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.script = tag == "script"
        if self.script:
            self.scripts.append("")

    def handle_endtag(self, tag):
        self.script = False

    def handle_data(self, data):
        if self.script:
            self.scripts[-1] += data
        else:
            self.text += data


@pytest.fixture(scope="module")
def seen(samples):
    """Return a page in which every text that comes from outside is nasty."""
    volume = samples.view("data", synthetic=True)
    volume.entity, volume.mount, volume.verdict, volume.reason, volume.method, volume.what, volume.note = ["lv:" + NASTY, *[NASTY] * 6]
    volume.shares, volume.changes = NASTY, (NASTY, NASTY)
    row = dict.fromkeys(("target", "change", "reason", "state", "message", "code", "when", "status"), NASTY)
    group = GroupView("vg:" + NASTY, 100, [Part(NASTY, 40, 20)], 60, [NASTY])
    plan = samples.plan(id=NASTY)
    guests = [{**guest, "id": NASTY + guest["id"], "name": NASTY} for guest in by_hand()["guests"]]
    seen = observed_view({**by_hand(), "cluster": NASTY, "guests": guests}, [Breach(NASTY, (), ("a",))])
    view = dataclasses.replace(hand_view(why=NASTY), cluster=NASTY, refused=[NASTY], found=[NASTY])
    states = [Progress(NASTY, NASTY)] * 2
    clusters = [
        ClusterView(view, 5, True, missing=NASTY, states=states),
        ClusterView(seen, 5, False),
        ClusterView(view, 5, True, states=states),
    ]
    page = render_html(
        samples.content(
            [volume],
            [group],
            plan=plan,
            plan_state="proposed",
            actions=[row],
            refused=[row],
            proposals=[row],
            outcomes=[row],
            notes=[NASTY],
            clusters=clusters,
        ),
        charts=2,
    )
    return Page(page)


def test_nothing_from_outside_becomes_markup(seen):
    assert set(seen.tags) <= OWN_TAGS
    assert len(seen.scripts) == 5
    assert not [name for name, _value in seen.attributes if name.startswith("on")]
    assert "boom" not in "".join(value or "" for name, value in seen.attributes if name in ("style", "class", "href", "src"))
    assert seen.text.count(NASTY) >= 20
    assert "49" not in seen.text.replace(NASTY, "")


def test_what_would_change_a_forecast_stands_beside_its_method(samples):
    change = {"cause": "samples", "missing": 70, "text": "70 more values: the weights are chosen anew at 200"}
    explain = {
        "method": "global+empirical",
        "weights": {"empirical": 0.39, "global": 0.61},
        "why": "",
        "scores": {},
        "would_change": [change],
    }
    page = Page(render_html(samples.content([samples.view(known=samples.forecast(method="global+empirical", explain=explain))]), charts=1))
    assert "method global+empirical" in page.text
    assert "61 % global, 39 % empirical" in page.text
    assert change["text"] in page.text
    for plain in ({}, {"explain": None}):
        page = Page(render_html(samples.content([samples.view(known=samples.forecast(**plain))]), charts=1))
        assert "what would change it" not in page.text


def test_nothing_is_asked_of_the_network(seen):
    assert not [pair for pair in seen.attributes if pair[0] in ("src", "srcset")]
    assert [value for name, value in seen.attributes if name == "href"] == ["data:,"]
    policy = [value for name, value in seen.attributes if name == "content" and "default-src" in value]
    assert policy[0].startswith("default-src 'none'")


def test_the_page_has_its_parts(seen):
    ids = {value for name, value in seen.attributes if name == "id"}
    assert {
        "headline",
        "summary",
        "notes",
        "volumes",
        "clusters",
        "more-clusters",
        "placements",
        "plan",
        "actions",
        "refused",
        "proposals",
        "outcomes",
        "groups",
        "data",
    } <= ids
    bars = [value for name, value in seen.attributes if name == "class" and value == "vgbar"]
    assert len(bars) == 2, "before and after"


@settings(max_examples=30, deadline=None)
@given(st.text())
def test_any_name_stays_inside_its_script(text):
    safe = script_safe(json.dumps({"name": text}))
    assert "<" not in safe
    assert json.loads(safe) == {"name": text}


def test_clusters_alone_say_nothing_of_volumes(samples):
    states = [Progress("applied", ""), Progress("planned", "")]
    content = samples.content(clusters=[ClusterView(hand_view(), 5, False, states=states)], plan=samples.plan(), plan_state="proposed")
    seen = Page(render_html(content, charts=10))
    assert "olume" not in seen.text
    told = " ".join(seen.text.split())
    for words in ("3nodes of 1 cluster", "5guests", "2 → 0limits broken", "2moves planned", "1move done", "Cluster: before, moves, after"):
        assert words in told
    assert "Nothing needs to be changed" not in told
    assert "2 moves in the cluster hand: told above, with its picture." in told
    data = json.loads(seen.scripts[1])
    assert [chart["still"] for chart in data["charts"]] == [False]
    now = Page(render_html(samples.content(clusters=[ClusterView(observed_view(by_hand(), []), 5, False)]), charts=10))
    assert "Cluster: nodes now" in now.text
    assert [panel["title"] for panel in json.loads(now.scripts[1])["charts"][0]["panels"]] == ["now: CPU", "now: memory"]


def test_an_empty_report(samples):
    seen = Page(render_html(samples.content(), charts=10))
    assert "No logical volume was observed" in seen.text
    assert "There is no plan for these hosts yet" in seen.text
    assert json.loads(seen.scripts[1]) == []


def test_only_the_most_urgent_get_a_chart_and_the_rest_is_folded(samples):
    volumes = [samples.view(f"v{number:02}", known=samples.forecast(None, None), used=1) for number in range(40)]
    page = render_html(samples.content(volumes), charts=3)
    assert len(re.findall(r'class="chart" data-index', page)) == 3
    assert "37 more volumes have no chart" in page
    assert "<details >" in page
    assert 'id="filter"' in page
    assert page.count('<tr class="volume') == 40


def test_one_of_everything_is_told_in_the_singular(samples):
    row = dict.fromkeys(("target", "change", "reason", "state", "message", "code"), "x")
    groups = [GroupView(f"vg:h{number}/vg0", 100, [Part("a", 40, 0)], 60, []) for number in range(GROUPS_SHOWN + 1)]
    quiet = samples.view(known=samples.forecast(None, None), used=1)
    content = samples.content([quiet], groups, plan=samples.plan(), plan_state="proposed", actions=[row], proposals=[row])
    charted = re.sub(r"<[^>]+>", "", render_html(samples.content([quiet, samples.view("b")]), charts=1))
    told = re.sub(r"<[^>]+>", "", render_html(content, charts=1))
    for words in (
        "1 host ·",
        "1volume observed",
        "1action planned",
        "1proposal, not applied",
        "1 volume with nothing",
        "1 more volume group is not",
    ):
        assert words in told
    assert "1 more volume has no chart" in charted


def test_hundreds_of_groups_are_cut_with_a_note(samples):
    groups = [GroupView(f"vg:h{number}/vg0", 100, [Part("a", 40, 0)], 60, []) for number in range(200)]
    page = render_html(samples.content([], groups), charts=3)
    assert page.count('class="group"') == GROUPS_SHOWN
    assert f"{200 - GROUPS_SHOWN} more volume groups are not shown" in page


def test_a_chart_has_one_unit_and_times_in_seconds(samples):
    volume = samples.view()
    volume.planned_size = 16 * samples.GIB
    data = chart_data(volume)
    assert (data["unit"], data["start"], data["step"]) == ("GiB", samples.NOW - 14400, 600)
    assert data["used"][:2] == [7.0, 7.0833]
    assert round(data["holds_after"] - data["holds"], 6) == 4
    assert data["earliest"] == samples.NOW + 3600
    small = chart_data(samples.view(history=False, known={}, used=None))
    assert (small["unit"], small["used"], small["holds"]) == ("B", [], None)


def test_long_tables_are_cut_with_a_note(samples):
    row = dict.fromkeys(("target", "change", "reason", "state", "message", "code"), "x")
    content = samples.content(plan=samples.plan(), plan_state="proposed", actions=[row] * (ROWS_SHOWN + 7), refused=[row] * ROWS_SHOWN)
    page = render_html(content, charts=0)
    assert page.count("more are in the plan itself") == 1
    assert "7 more are in the plan itself" in page
