# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook train as users run it, before the forecasts of a play: real workers, hosts that nobody answers for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from ansible_collections.foresight.capacity.plugins.plugin_utils.store import EntityRow, open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows import lstm_models
from support.playbooks import Playbooks

NOW, STEP, SAMPLES = 1_763_700_000, 600, 80


@pytest.fixture
def dead(tmp_path: Path) -> Playbooks:
    """An inventory of one dead host, and a store with three of its volumes; the last one has few samples."""
    inventory, store = tmp_path / "hosts.yml", tmp_path / "store.db"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": {"web1": {"ansible_host": "127.0.0.1", "ansible_port": 9}}}}))
    with open_store(str(store)) as opened:
        for number in range(3):
            identity = f"lv:web1/{number}"
            entity = opened.put_entities([EntityRow(identity, f"lv:web1/vg0/v{number}", "lv", "web1", {"size_bytes": 2**40}, NOW)])[
                identity
            ]
            series = opened.put_series([(entity, "used_bytes", "bytes", True)])[entity, "used_bytes"]
            count = SAMPLES if number < 2 else 20
            values = 1e10 + np.cumsum(np.random.default_rng(number).exponential(1e7, count))
            opened.write_samples([series] * count, [NOW - STEP * (count - 1 - place) for place in range(count)], values)
    return Playbooks(inventory, store)


def test_train_then_forecast(dead: Playbooks, tmp_path: Path) -> None:
    play = tmp_path / "both.yml"
    ask = f"query('foresight.capacity.forecast', 'used_bytes', store=foresight_store, now={NOW}, entities=['lv:*'], horizon='1h')"
    tasks = [
        {"foresight.capacity.train": {"store": "{{ foresight_store }}", "now": NOW, "workers": 1}, "run_once": True, "register": "trained"},
        {"ansible.builtin.set_fact": {"forecasts": "{{ " + ask + " }}"}, "run_once": True},
        {
            "ansible.builtin.copy": {"content": "{{ {'trained': trained, 'forecasts': forecasts} | to_json }}", "dest": f"{tmp_path}/out.json", "mode": "0600"},
            "delegate_to": "localhost", "vars": {"ansible_connection": "local"}, "run_once": True,
        },
    ]  # fmt: skip
    play.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    assert dead.run(str(play)).returncode == 0
    found = json.loads((tmp_path / "out.json").read_text())
    assert [one["status"] for one in found["trained"]["entities"] if one["model"] == "lstm"] == ["trained", "trained", "skipped"]
    assert [one["status"] for one in found["trained"]["entities"] if one["model"] == "global"] == ["skipped"], (
        "too few windows for a network"
    )
    assert found["trained"]["changed"] is False
    assert [one["status"] for one in found["forecasts"]] == ["ok", "ok", "ok"]
    assert all("synthetic" in one["note"] for one in found["forecasts"])
    with open_store(str(dead.store)) as store:
        series = [one.id for one in store.find_series(metric="used_bytes")]
        models = lstm_models.load(store, series, STEP, now=NOW)
    assert [isinstance(models.get(number), lstm_models.Model) for number in series] == [True, True, False]


def test_the_playbook_contacts_nobody_and_draws_what_it_is_told(dead: Playbooks, tmp_path: Path) -> None:
    options = {
        "train_entities": ["lv:*", "!*/v1"],
        "train_figures": str(tmp_path / "figures"),
        "train_workers": "1",
        "train_history": "30d",
    }
    run = dead.run("train", "--check", **options)
    assert (run.returncode, run.changed) == (0, 0)
    assert "Figures: 1 drawn in" in run.output
    assert [path.name for path in (tmp_path / "figures").iterdir()] == ["training-used_bytes-600s-lv_web1_vg0_v0.png"]
    with open_store(str(dead.store)) as store:
        assert [(one.verb, one.check, one.status) for one in store.find_runs()] == [("train", True, "trained")]
