from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.module_utils.identity import document_header, machine_id

ID = "0123456789abcdef0123456789abcdef"


def test_header(tree):
    files = tree({"/etc/machine-id": ID + "\n", "/proc/sys/kernel/random/boot_id": "b0-07\n"})
    assert document_header("foresight.x/1", files, 17) == {
        "schema": "foresight.x/1",
        "observed_at": 17,
        "machine_id": ID,
        "boot_id": "b0-07",
    }


def test_older_place_of_the_machine_id(tree):
    assert machine_id(tree({"/etc/machine-id": "\n", "/var/lib/dbus/machine-id": ID})) == ID


def test_image_that_never_ran(tree):
    assert machine_id(tree({"/etc/machine-id": "uninitialized\n"})) is None
