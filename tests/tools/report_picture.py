# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pictures of the report in README and docs: excerpts of pages as Chromium shows them.

    python tests/tools/report_picture.py [index.html] [docs/images/report.png]
    python tests/tools/report_picture.py clusters [docs/images/report-cluster.png]

Without a page it takes one of the generated fleet, in which every history is marked synthetic.
"""

from __future__ import annotations

import io
import pathlib
import sys
import tempfile

import PIL.Image

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT / "tests"))

from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.report import report
from support import generated, generated_clusters
from support.browser import browser, find_browser

# What the tables below the first one repeat is left out, and all but the first charts.
EXCERPT = """(() => {
  document.querySelectorAll('details').forEach(fold => { fold.open = false; });
  const [volumes, groups, charts] = ['#volumes', '#groups', '.charts'].map(one => document.querySelector(one).closest('.scroll, .card, .charts'));
  for (let one = volumes.nextElementSibling; one; ) {
    const next = one.nextElementSibling;
    if (one.matches('h2')) { window.keeping = /groups|History/.test(one.textContent); }
    if (!window.keeping) { one.remove(); }
    one = next;
  }
  [...groups.querySelectorAll('.group')].slice(4).forEach(one => one.remove());
  [...charts.querySelectorAll('.card')].slice(2).forEach(one => one.remove());
})()"""

# Of the moves one of each state, of what is broken the first.
CLUSTER_EXCERPT = """(() => {
  const shown = document.querySelector('details.strategy');
  shown.querySelectorAll('details').forEach((fold, place) => { if (place === 0) { fold.remove(); } });
  const rows = [...shown.querySelectorAll('table.moves tbody tr')];
  rows.forEach((row, place) => { if (place > 1 && place < rows.length - 2) { row.remove(); } });
  for (let one = shown.nextElementSibling; one; ) { const next = one.nextElementSibling; one.remove(); one = next; }
})()"""


def main() -> None:
    program = find_browser()
    if program is None:
        sys.exit("report_picture: no Chromium here: apt-get install chromium")
    arguments = sys.argv[1:]
    of_clusters = arguments[:1] == ["clusters"]
    name = "report-cluster.png" if of_clusters else "report.png"
    target = pathlib.Path(arguments[1] if len(arguments) > 1 else CHECKOUT / "docs" / "images" / name)
    with tempfile.TemporaryDirectory() as folder, browser(program) as tab:
        page = cluster_page(folder) if of_clusters else pathlib.Path(arguments[0]) if arguments else generated_page(folder)
        tab.open(page, width=1300 if of_clusters else 1240, height=800)
        tab.value(CLUSTER_EXCERPT if of_clusters else EXCERPT)
        data = tab.picture()
    target.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.open(io.BytesIO(data)).convert("RGB").quantize(256, method=PIL.Image.Quantize.FASTOCTREE, dither=PIL.Image.Dither.NONE).save(
        target, optimize=True
    )
    print(f"{target}: {target.stat().st_size // 1024} KiB")


def generated_page(folder: str) -> pathlib.Path:
    store = generated.fill(folder, synthetic=True)
    generated.make_plan(store)
    return pathlib.Path(report(store=store, now=generated.NOW, hosts=generated.HOSTS, path=folder, images=0)["files"][0])


def cluster_page(folder: str) -> pathlib.Path:
    """A generated cluster whose plan is done up to the half."""
    store = f"{folder}/store.db"
    options = {"nodes": 8, "maintenance": 1, "grouped": 0.2, "broken": 0.3, "reserve": 0.1, "overhead": 0.05, "seed": 1}
    document = generated_clusters.document(**options)
    document["guests"][0]["name"] = "web"
    hosts = generated_clusters.fill(store, document)
    made = generated_clusters.make_plan(store, hosts)["document"]
    done = [(one["id"], "applied", {}) for one in made["actions"] if one["wave"] <= 2]
    with open_store(store) as opened:
        opened.set_actions(made["id"], done, at=generated_clusters.NOW, run_id=None)
    return pathlib.Path(report(store=store, now=generated_clusters.NOW, hosts=hosts, path=folder, images=0)["files"][0])


if __name__ == "__main__":
    main()
