# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.store import filesystem, open_store

CONTAINER = """\
612 500 0:55 / / rw,relatime master:200 - overlay overlay rw,lowerdir=/l,upperdir=/u,workdir=/w
613 612 0:60 / /proc rw,nosuid - proc proc rw
620 612 8:1 /volumes/data /runner/artifacts rw,relatime - ext4 /dev/sda1 rw
621 612 0:70 / /run/with\\040blank rw - tmpfs tmpfs rw
622 612 0:71 / /shared rw - nfs4 server:/x rw
"""


def test_the_longest_mount_point_above_a_path_holds_it():
    assert filesystem.mount_of("/home/u/store.db", CONTAINER) == ("/", "overlay")
    assert filesystem.mount_of("/runner/artifacts/f/store.db", CONTAINER) == ("/runner/artifacts", "ext4")
    assert filesystem.mount_of("/runner/artifacts2/store.db", CONTAINER) == ("/", "overlay")
    assert filesystem.mount_of("/run/with blank/store.db", CONTAINER) == ("/run/with blank", "tmpfs")


def test_of_mounts_over_one_another_the_last_counts():
    assert filesystem.mount_of("/x", "1 0 8:1 / / rw - ext4 /dev/a rw\n2 1 0:9 / / rw - overlay none rw\n") == ("/", "overlay")


def test_a_container_layer_is_warned_of_only_inside_a_container():
    (warning,) = filesystem.warnings("/home/u/store.db", mountinfo=CONTAINER, container=True)
    assert "gone with the container" in warning
    assert "FORESIGHT_STORE" in warning
    assert filesystem.warnings("/home/u/store.db", mountinfo=CONTAINER, container=False) == []


def test_a_volume_mounted_into_the_container_is_fine():
    assert filesystem.warnings("/runner/artifacts/store.db", mountinfo=CONTAINER, container=True) == []


def test_tmpfs_and_network_file_systems_are_warned_of_everywhere():
    (lost,) = filesystem.warnings("/run/with blank/store.db", mountinfo=CONTAINER, container=False)
    assert "gone after a restart" in lost
    (shared,) = filesystem.warnings("/shared/store.db", mountinfo=CONTAINER, container=False)
    assert "postgresql://" in shared


def test_no_mountinfo_no_warning():
    assert filesystem.warnings("/x/store.db", mountinfo="", container=True) == []


def test_containers_are_known_by_their_variable(monkeypatch, tmp_path):
    monkeypatch.setattr(filesystem, "_CONTAINER_MARKERS", (str(tmp_path / "no"),))
    assert not filesystem.in_container({})
    assert filesystem.in_container({"container": "lxc"})
    assert filesystem.in_container({"KUBERNETES_SERVICE_HOST": "10.0.0.1"})
    monkeypatch.setattr(filesystem, "_CONTAINER_MARKERS", (str(tmp_path),))
    assert filesystem.in_container({})


def test_open_store_tells_the_warning():
    shared_memory = pathlib.Path("/dev/shm")
    if filesystem.mount_of("/dev/shm/x", pathlib.Path("/proc/self/mountinfo").read_text()) != ("/dev/shm", "tmpfs"):
        pytest.skip("/dev/shm is no tmpfs here")
    file = shared_memory / f"foresight-test-{id(object())}.db"
    try:
        with open_store(str(file)) as store:
            assert "tmpfs" in store.warnings[0]
    finally:
        for suffix in ("", "-wal", "-shm"):
            pathlib.Path(f"{file}{suffix}").unlink(missing_ok=True)
