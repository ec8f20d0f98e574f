# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.collection import ROOT, collection_version
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import ForesightError


def test_a_checkout_tells_it_in_galaxy_yml():
    assert f"version: {collection_version()}\n" in (ROOT / "galaxy.yml").read_text()


def test_an_installed_copy_tells_it_in_its_manifest(tmp_path):
    (tmp_path / "MANIFEST.json").write_text(json.dumps({"collection_info": {"version": "3.2.1"}}))
    assert collection_version(tmp_path) == "3.2.1"


def test_neither_is_an_error(tmp_path):
    with pytest.raises(ForesightError, match="complete copy"):
        collection_version(tmp_path)
