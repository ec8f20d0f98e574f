# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folder of a simulation may be somebody's: nothing that others wrote or changed is written over, and each run's files belong together."""

from __future__ import annotations

import json
import multiprocessing
import resource
import signal
from pathlib import Path

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.synthetic import synthetic_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows import simulate_files
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.simulate import simulate

SMALL = {"nodes": [64, 64], "guests_per_node": 3, "seed": 2}
BOTH = ["foresight", "greedy"]


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", ["index.html", "simulation.json", "cluster.json", "comparison.png", "placement-greedy.png"])
@pytest.mark.parametrize("mine", [b"", b"<html>mine</html>", b"{}", "folder", "link"])
def test_what_no_simulation_wrote_is_not_written_over(tmp_path, name, mine) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    if mine == "folder":
        (folder / name).mkdir()
    elif mine == "link":
        (folder / name).symlink_to(tmp_path / "nowhere")
    else:
        (folder / name).write_bytes(mine)
    with pytest.raises(
        InputError, match=rf"There is a .*/site/{name} already, and no simulation wrote it.* Needed is another folder \(O\(path\)\)"
    ):
        simulate(synthetic=SMALL, path=str(folder), strategies=BOTH)
    assert [path.name for path in folder.iterdir()] == [name], "nothing else was written"


def test_what_is_in_nobodys_way_stays(tmp_path) -> None:
    (tmp_path / "comparison.png").write_bytes(b"mine")
    (tmp_path / "placement-greedy.png").write_bytes(b"mine")
    (tmp_path / "notes.txt").write_bytes(b"mine")
    simulate(synthetic=SMALL, path=str(tmp_path))
    assert [content(tmp_path)[name] for name in ("comparison.png", "placement-greedy.png", "notes.txt")] == [b"mine"] * 3


def test_a_cluster_changed_by_hand_is_simulated_and_kept(tmp_path) -> None:
    simulate(synthetic=SMALL, path=str(tmp_path))
    path = tmp_path / "cluster.json"
    document = json.loads(path.read_text())
    document["nodes"][0]["maintenance"] = True
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match=r"cluster\.json already, and no simulation wrote it, or it was changed since"):
        simulate(synthetic=SMALL, path=str(tmp_path))
    answer = simulate(file=str(path), path=str(tmp_path))
    assert (answer["written"]["files"], answer["simulation"]["cluster"]["synthetic"]) == (3, True)
    assert json.loads(path.read_text()) == document


def test_a_cluster_that_was_only_laid_out_anew_is_still_ours(tmp_path) -> None:
    simulate(synthetic=SMALL, path=str(tmp_path))
    path = tmp_path / "cluster.json"
    path.write_text(json.dumps(json.loads(path.read_text()), indent=8))
    assert simulate(synthetic={**SMALL, "seed": 3}, path=str(tmp_path))["written"]["files"] == 4


def test_a_made_up_cluster_may_come_as_a_document(tmp_path) -> None:
    assert simulate(cluster=synthetic_cluster(**SMALL), path=str(tmp_path))["files"][-1].endswith("/cluster.json")


def test_a_full_disk_leaves_whole_files_only(tmp_path) -> None:
    simulate(synthetic=SMALL, path=str(tmp_path))
    before = content(tmp_path)

    def filled(seed: int) -> None:
        # Like a disk on which the page has no room.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
        with pytest.raises(
            InputError, match=r"Cannot write the simulation to .*/index\.html: File too large\. Needed is a folder with space"
        ):
            simulate(synthetic={**SMALL, "seed": seed}, path=str(tmp_path))

    process = multiprocessing.get_context("fork").Process(target=filled, args=(3,))
    process.start()
    process.join()
    assert process.exitcode == 0
    assert content(tmp_path) == before


def test_files_of_two_runs_at_once_are_of_one_of_them(tmp_path, monkeypatch) -> None:
    """The second run comes to the folder while the first has written the page only; it waits, and then writes all."""
    context = multiprocessing.get_context("fork")
    begun, arrived = context.Event(), context.Event()
    write, alone_in = simulate_files.write_file, simulate_files.alone_in

    def arrives(*folder: str, **what: str):
        arrived.set()
        return alone_in(*folder, **what)

    def second() -> None:
        begun.wait()
        monkeypatch.setattr(simulate_files, "alone_in", arrives)
        simulate(synthetic={**SMALL, "seed": 3}, path=str(tmp_path))

    def meets(folder: str, name: str, data: bytes, **what: str) -> str:
        if name == "simulation.json":
            begun.set()
            assert arrived.wait(300)
        return write(folder, name, data, **what)

    other = context.Process(target=second)
    other.start()
    monkeypatch.setattr(simulate_files, "write_file", meets)
    simulate(synthetic=SMALL, path=str(tmp_path))
    other.join()
    assert other.exitcode == 0
    mark = json.loads((tmp_path / "simulation.json").read_text())["digest"]
    assert all(mark.encode() in data for name, data in content(tmp_path).items() if name != "cluster.json")
    assert {path.name for path in tmp_path.iterdir()} == {"index.html", "placement-foresight.png", "simulation.json", "cluster.json"}
