# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""playbooks/import.yml hands every option of import_history on: one that it forgot would be refused, or lost."""

from __future__ import annotations

import pathlib

import yaml

from ansible_collections.foresight.capacity.plugins.doc_fragments import proxmox
from ansible_collections.foresight.capacity.plugins.modules import import_history

ROOT = pathlib.Path(__file__).parents[3]
OWN_VARIABLES = {"path", "shift_to_now"}
OF_CLUSTERS = {"timeframes", "entities", "peaks", "parallel"}
MODULE = "foresight.capacity.import_history"


def test_the_playbook_knows_every_option() -> None:
    (play,) = yaml.safe_load((ROOT / "playbooks" / "import.yml").read_text(encoding="utf-8"))
    check, files, clusters = play["tasks"]
    files, clusters = files["block"][0], clusters["block"][0]
    connection = set(yaml.safe_load(proxmox.ModuleDocFragment.DOCUMENTATION)["options"])
    options = set(yaml.safe_load(import_history.DOCUMENTATION)["options"]) - connection
    assert set(check["vars"]["known"]) == options - OWN_VARIABLES
    assert set(files[MODULE]) == {"store", *options} - OF_CLUSTERS
    assert set(clusters[MODULE]) == {"store", "source", "max_skew", *OF_CLUSTERS}


def test_credentials_of_a_cluster_are_in_one_place() -> None:
    """What reaches a cluster is foresight_proxmox of its host, as in observe and apply."""
    groups = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["action_groups"]
    connected = {
        path.stem
        for path in (ROOT / "plugins" / "modules").glob("*.py")
        if "foresight.capacity.proxmox\n" in path.read_text(encoding="utf-8")
    }
    assert set(groups["proxmox"]) == connected
