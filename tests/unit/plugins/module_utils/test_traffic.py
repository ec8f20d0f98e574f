from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.module_utils.traffic import read_disks, read_interfaces, without_guest_ports

DISKS = """   8       0 sda 100 5 2000 30 50 6 800 70 0 1500 99 0 0 0 0 1 2
   8       1 sda1 90 5 1900 30 50 6 800 70 0 1400 99
 253       0 dm-0 90 0 1900 30 50 0 800 70 0 1400 99
"""


def test_physical_disks_only(tree):
    assert read_disks(tree({"/proc/diskstats": DISKS, "/sys/class/block/sda/device/model": "x"})) == {
        "sda": {"read_ops": 100, "read_bytes": 2000 * 512, "write_ops": 50, "write_bytes": 800 * 512, "busy_seconds": 1.5}
    }


def test_without_sysfs_all_are_told(tree):
    assert set(read_disks(tree({"/proc/diskstats": DISKS}))) == {"sda", "sda1", "dm-0"}


NET = """Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0
  eth0: 5000      50    1    0    0     0          0         0     4000      40    2    0    0     0       0          0
vethX1: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0
"""


def test_interfaces(tree):
    interfaces = read_interfaces(tree({"/proc/net/dev": NET}))
    assert set(interfaces) == {"lo", "eth0", "vethX1"}
    assert interfaces["eth0"] == {"rx_bytes": 5000, "rx_packets": 50, "tx_bytes": 4000, "tx_packets": 40, "errors": 3}


def test_guest_ports_and_loopback_are_left_out(tree):
    names = [
        "lo",
        "eth0",
        "bond0",
        "vmbr0",
        "lxcbr0",
        "lowpan0",
        "veth101i0",
        "tap102i0",
        "fwbr101i0",
        "fwln101i0",
        "fwpr101p0",
        "vnet3",
        "docker0",
    ]
    assert sorted(without_guest_ports({name: {} for name in names})) == ["bond0", "eth0", "lowpan0", "lxcbr0", "vmbr0"]
