from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from lab import disks, image, machine, mirror, prerequisites, rootfs
from lab.errors import LabUnavailable
from lab.paths import LAB


@pytest.mark.skipif(shutil.which(machine.QEMU) is None, reason="needs QEMU: apt-get install qemu-system-x86")
def test_hash_covers_the_guests_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "lab"
    shutil.copytree(LAB, copy, ignore=shutil.ignore_patterns("__pycache__"))
    before = image.content_hash()
    monkeypatch.setattr(image, "LAB", copy)
    assert image.content_hash() == before
    (copy / "guest" / "etc" / "hosts").write_text("changed\n")
    changed = image.content_hash()
    assert changed != before
    (copy / "wrapper.sh").write_text("not part of the image\n")
    assert image.content_hash() == changed


def test_package_list_has_names_only() -> None:
    packages = rootfs.guest_packages()
    assert {"lvm2", "lxc", "openssh-server", "python3"} <= set(packages)
    assert all(name and not set(name) & set(" #,") for name in packages)


def test_missing_tools_are_told_with_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda tool: None)
    with pytest.raises(LabUnavailable, match=r"apt-get install .*debootstrap e2fsprogs .*qemu-system-x86"):
        prerequisites.require(building=True)


def test_building_without_root_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda tool: f"/usr/bin/{tool}")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    prerequisites.require(building=False)
    with pytest.raises(LabUnavailable, match="user id 1000"):
        prerequisites.require(building=True)


def test_mirror_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(mirror.OVERRIDE, "http://archive.example/debian")
    assert mirror.find("bookworm") == "http://archive.example/debian"


def test_machine_without_a_debian_archive_says_how_to_name_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(mirror.OVERRIDE, raising=False)
    with pytest.raises(LabUnavailable, match=f"{mirror.OVERRIDE}=URL"):
        mirror.find("no-such-suite")


def test_blank_disks_take_no_room(tmp_path: Path) -> None:
    made = disks.make_blank(tmp_path)
    assert [path.stat().st_size for path in made] == list(machine.DATA_DISKS_BYTES)
    assert sum(path.stat().st_blocks for path in made) == 0


def test_old_images_go_and_used_ones_stay(lab_folders: Path) -> None:
    images = lab_folders / "cache" / "foresight-lab" / "images"
    for age, name in enumerate(["newest", "second", "third", "used"]):
        (images / name).mkdir(parents=True)
        os.utime(images / name, (1_000_000 - age, 1_000_000 - age))
    host = lab_folders / "cache" / "foresight-lab" / "hosts" / "dev"
    host.mkdir(parents=True)
    (host / "image").symlink_to(images / "used")
    image._drop_old(images / "newest")
    assert sorted(path.name for path in images.iterdir()) == ["newest", "second", "used"]
