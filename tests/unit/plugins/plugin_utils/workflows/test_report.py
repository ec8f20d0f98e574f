# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The workflow on a real store, filled by `record`, `import_history`, `volumes`, `lv_allocate` and `plan` from a generated fleet."""

from __future__ import annotations

import os
import resource
import shutil

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError, PlanError, StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.record import record
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.report import report
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.report_content import read_content
from support import generated  # the generator is shared with the integration tests

NOW, HOSTS = generated.NOW, generated.HOSTS


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    """Return (store without a plan, store with a plan, what `plan` returned)."""
    folder = tmp_path_factory.mktemp("fleet")
    store = generated.fill(folder, steps=40)
    planned = str(folder / "planned.db")
    shutil.copy(store, planned)
    return store, planned, generated.make_plan(planned)


def content(store, hosts=HOSTS, now=NOW, plan=None):
    with open_store(store, create=False) as opened:
        return read_content(opened, now, hosts, plan)


def verdicts(shown):
    return {volume.name: (volume.verdict_kind, volume.verdict.partition(":")[0]) for volume in shown.volumes}


def write(store, path, **options):
    return report(**{"store": store, "now": NOW, "hosts": HOSTS, "path": str(path), "images": 1, **options})


def test_what_the_plan_says_about_every_kind_of_volume(fleet):
    _store, planned, plan = fleet
    shown = content(planned)
    kinds = verdicts(shown)
    assert kinds["files1/vg0/share"] == ("refused", "refused")
    assert kinds["web1/vg0/blob"] == ("refused", "refused")
    assert kinds["db1/vg0/archive"] == ("refused", "refused")  # managed and not mounted: no forecast to act on
    assert kinds["web1/vg0/www"] == kinds["db1/thin/pool"] == kinds["db1/vg0/nightly"] == ("quiet", "nothing to do")
    for action in plan["document"]["actions"]:
        kind, _verdict = kinds[action["target"].removeprefix("lv:")]
        assert kind == "untouched" if action["host"] == "lab1" else kind in ("planned", "partial")
    proposed = {one["target"].removeprefix("lv:") for one in plan["document"]["proposals"] if one["kind"] == "lv_resize"}
    assert {name for name, (kind, _verdict) in kinds.items() if kind == "proposed"} == proposed
    assert (shown.plan["id"], shown.plan_state) == (plan["plan"]["id"], "proposed")
    assert len(shown.actions) == len(plan["document"]["actions"])


def test_histories_end_at_their_newest_sample_and_volumes_without_use_have_none(fleet):
    volumes = {volume.name: volume for volume in content(fleet[1]).volumes}
    history = volumes["web1/vg0/data"].history
    assert history.step == generated.STEP
    assert len(history.used) == 40
    assert None not in history.used
    assert volumes["db1/vg0/raw"].history is None
    assert volumes["web1/vg0/data"].forecast["0.5"]
    assert volumes["web1/vg0/data"].mount == "/srv/data"


def test_a_late_sample_does_not_break_the_line_but_an_outage_does(tmp_path):
    store = str(tmp_path / "store.db")
    lost = {5, 12, 13, 14, 15, 16}
    for number in range(generated.STEPS - 20, generated.STEPS):
        at = generated.START + number * generated.STEP
        if number - generated.STEPS + 20 not in lost:
            record(store=store, now=at, hosts=["web1"], lost=[], facts={"web1": generated.web1(number, at)})
    (data,) = (volume for volume in content(store, hosts=["web1"]).volumes if volume.name == "web1/vg0/data")
    used = data.history.used
    assert [number for number, value in enumerate(used) if value is None] == [12, 13, 14, 15, 16]
    assert used[5] == pytest.approx((used[4] + used[6]) / 2)
    assert None not in data.history.limit


def test_the_notes_tell_what_is_old_recorded_or_made_up(fleet):
    notes = content(fleet[1]).notes
    assert notes[0] == "Never observed: never1."
    assert notes[1].startswith("Silent in the last observation, 2025-11-21 03:50 UTC: edge1 (last seen 2025-11-21 03:40 UTC)")
    assert notes[2] == "Without logical volumes: empty1."
    assert notes[3].startswith("Recorded, not live: lab1.")
    assert "moved by 4w 2d to end now" in notes[3]
    assert notes[4].startswith("Synthetic: the history of 1 of 17 volumes")
    assert notes[5:] == []
    assert content(fleet[1], hosts=["web1"]).notes == []
    assert content(fleet[1], hosts=["web1"], now=NOW + 7200).notes == ["The last observation was 2h ago (2025-11-21 03:50 UTC)."]


def test_a_host_whose_lvm_was_not_read_is_told_with_the_reason(tmp_path):
    store = str(tmp_path / "store.db")
    makers = {"web1": generated.web1, "edge1": generated.edge1, "bare": generated.empty1}
    for number, reasons in enumerate([{}, {"web1": "needs_root", "edge1": "not_installed", "bare": "not_installed", "new": "needs_root"}]):
        at = generated.START + number * generated.STEP
        facts = {host: maker(number, at) for host, maker in makers.items()}
        for host, reason in reasons.items():
            facts[host] = generated.empty1(number, at)
            facts[host]["foresight_lvm"].update(available=False, reason=reason, vgs=[])
        record(store=store, now=at, hosts=list(facts), lost=[], facts=facts)
    shown = content(store, hosts=["web1", "edge1", "bare", "new"], now=at)
    assert "web1/vg0/data" in {volume.name for volume in shown.volumes}
    root = "(it answers root only: ansible_become, or docs/observing.md)"
    assert len(shown.notes) == 2
    assert shown.notes[0].startswith(f"LVM could not be read: edge1 (it is not installed), new {root}, web1 {root}. Volumes of these hosts")
    assert shown.notes[1] == "Without logical volumes: bare (no LVM)."


def test_before_the_first_plan(fleet):
    shown = content(fleet[0])
    assert (shown.plan, shown.plan_state, shown.actions, shown.horizon) == (None, None, [], 0)
    assert {volume.status for volume in shown.volumes} == {"none"}
    assert any(volume.verdict == "no plan yet" for volume in shown.at_risk)
    assert all(not group.growth for group in shown.groups)


def test_the_plan_of_other_hosts_is_not_shown_unless_it_is_named(fleet, tmp_path):
    store = str(tmp_path / "store.db")
    shutil.copy(fleet[1], store)
    older = fleet[2]["plan"]["id"]
    newer = generated.make_plan(store, now=NOW + 60, hosts=["db1"], manage=[])["plan"]["id"]
    assert content(store, hosts=["web1"], now=NOW + 60).plan["id"] == older
    assert content(store, hosts=["db1"], now=NOW + 60).plan["id"] == newer
    assert content(store, hosts=["db1"], now=NOW + 60, plan=older).plan["id"] == older


def test_what_was_done_is_shown_with_its_progress(fleet, tmp_path):
    store = str(tmp_path / "store.db")
    shutil.copy(fleet[1], store)
    action = next(one for one in fleet[2]["document"]["actions"] if one["host"] == "web1")
    done = {
        "plan_id": fleet[2]["plan"]["id"],
        "action_id": action["id"],
        "run_id": None,
        "host": "web1",
        "target": action["target"],
        "changed": True,
    }
    with open_store(store) as opened:
        opened.add_outcomes(
            [
                {
                    **done,
                    "status": "changed",
                    "started_at": NOW,
                    "seconds": 2.0,
                    "before": action["from"],
                    "after": action["to"],
                    "message": "Grown.",
                },
                {
                    **done,
                    "status": "changed",
                    "started_at": NOW - 30 * 86400,
                    "seconds": 2.0,
                    "before": {},
                    "after": {},
                    "message": "Long ago.",
                },
                {
                    **done,
                    "host": "other",
                    "status": "ok",
                    "started_at": NOW - 1,
                    "seconds": 1,
                    "before": None,
                    "after": None,
                    "message": "",
                },
            ]
        )
        opened.set_action(done["plan_id"], action["id"], "applied", at=NOW, run_id=None, detail={})
    shown = content(store)
    assert [(one["status"], one["message"]) for one in shown.outcomes] == [("changed", "Grown.")]
    assert "→" in shown.outcomes[0]["change"]
    assert verdicts(shown)[action["target"].removeprefix("lv:")][1] == "grown"
    assert "applied" in {row["state"] for row in shown.actions}


def test_the_files_and_the_summary(fleet, tmp_path):
    answer = write(fleet[1], tmp_path / "made" / "report", images=2)
    assert [os.path.basename(path) for path in answer["files"]][::3] == ["index.html", "groups.png"]
    assert sorted(os.path.basename(path) for path in answer["files"]) == sorted(os.listdir(tmp_path / "made" / "report"))
    assert answer["written"] == {"files": 4, "removed": 0}
    assert answer["summary"][-1] == f"Report: {answer['files'][0]}"
    assert (tmp_path / "made" / "report" / "index.html").stat().st_mode & 0o777 == 0o644
    again = write(fleet[1], tmp_path / "made" / "report", images=2)
    assert again["files"] == answer["files"]


def test_figures_of_a_former_report_go_and_other_files_stay(fleet, tmp_path):
    (tmp_path / "volume-mine.png").write_bytes(b"\x89PNG made by somebody else")
    (tmp_path / "notes.txt").write_text("keep me")
    write(fleet[1], tmp_path, images=3)
    answer = write(fleet[1], tmp_path, images=1)
    assert answer["written"] == {"files": 3, "removed": 2}
    left = {os.path.basename(path) for path in answer["files"]} | {"volume-mine.png", "notes.txt"}
    assert set(os.listdir(tmp_path)) == left


def test_an_empty_store_and_hosts_nobody_knows(tmp_path):
    store = str(tmp_path / "store.db")
    open_store(store).close()
    answer = write(store, tmp_path / "report", hosts=["new1"])
    assert [os.path.basename(path) for path in answer["files"]] == ["index.html"]
    assert answer["summary"][0] == "No logical volume and no cluster was observed on these hosts yet."
    assert "Never observed: new1." in (tmp_path / "report" / "index.html").read_text()


def test_errors_name_what_is_needed(fleet, tmp_path):
    with pytest.raises(StoreError):
        write(str(tmp_path / "none.db"), tmp_path / "report")
    with pytest.raises(PlanError, match="holds no plan"):
        write(fleet[1], tmp_path / "report", plan="0" * 64)
    with pytest.raises(InputError, match=r"charts is -1.*O\(charts\)"):
        write(fleet[1], tmp_path / "report", charts=-1)
    assert not (tmp_path / "report").exists(), "an error comes before the first file"
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match=r"Cannot write the report to .*/file/index.html: .*O\(path\)"):
        write(fleet[1], tmp_path / "file")


def test_where_no_space_is_left_the_former_report_stays_whole(fleet, tmp_path):
    write(fleet[1], tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, hard))
    try:
        with pytest.raises(InputError, match=r"Cannot write the report to .*: File too large\. Needed is a folder with space"):
            write(fleet[1], tmp_path, now=NOW + 60)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)} == before
