from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.log import Cost, cost, errors, shortened, target_of

LIVE = """2026-11-22 10:00:00 conntrack state migration not supported or disabled, active connections might get dropped
2026-11-22 10:00:00 starting migration of VM 204 to node 'pve2' (10.0.0.2)
2026-11-22 10:00:01 start remote tunnel
2026-11-22 10:00:02 migration active, transferred 1.0 GiB of 4.0 GiB VM-state, 1.1 GiB/s
2026-11-22 10:00:03 migration active, transferred 2.1 GiB of 4.0 GiB VM-state, 1.1 GiB/s, VM dirties lots of memory: 2.0 GiB/s
2026-11-22 10:00:07 average migration speed: 1.0 GiB/s - downtime 87 ms
2026-11-22 10:00:07 migration completed, transferred 4.2 GiB VM-state
2026-11-22 10:00:07 migration status: completed
2026-11-22 10:01:40 migration finished successfully (duration 00:01:40)
TASK OK""".splitlines()
RESTART = """2026-11-22 23:59:58 shutdown CT 104
2026-11-23 00:00:01 starting migration of CT 104 to node 'pve2' (10.0.0.2)
2026-11-23 00:00:01 volume 'shared:104/vm-104-disk-0.raw' is on shared storage 'shared'
2026-11-23 00:00:01 start final cleanup
2026-11-23 00:00:02 start container on target node
2026-11-23 00:00:02 # /usr/bin/ssh -e none -o 'BatchMode=yes' root@10.0.0.2 pct start 104
2026-11-23 00:00:05 migration finished successfully (duration 00:00:07)
TASK OK""".splitlines()


def test_live_migration():
    assert cost(LIVE) == Cost(int(4.2 * (1 << 30)), 100.0, 0.087)


def test_drives_that_were_mirrored_count():
    drives = [
        "2026-11-22 10:00:01 drive-scsi0: transferred 1.0 GiB of 8.0 GiB (12.50%)",
        "2026-11-22 10:00:01 drive-scsi0: transferred 8.0 GiB of 8.0 GiB (100.00%)",
        "2026-11-22 10:00:01 drive-scsi1: transferred 1.0 GiB of 1.0 GiB (100.00%)",
    ]
    assert cost([*drives, *LIVE]).bytes == int(4.2 * (1 << 30)) + (9 << 30)


def test_container_is_down_from_its_shutdown_to_the_end_of_its_start():
    assert cost(RESTART) == Cost(0, 7.0, 7.0)


def test_container_that_was_stopped_has_no_downtime():
    assert cost([line for line in RESTART if "shutdown" not in line and "start container" not in line]) == Cost(0, 7.0, None)


def test_bytes_of_volumes_that_were_copied_are_not_told():
    assert cost([RESTART[0], "2026-11-22 23:59:59 found local volume 'local:1' (in current VM config)", *RESTART[1:]]).bytes is None


def test_failed_migration():
    log = [
        "2026-11-22 10:00:00 starting migration of VM 204 to node 'pve2' (10.0.0.2)",
        "2026-11-22 10:00:01 migration status error: failed - no space",
        "2026-11-22 10:00:01 ERROR: online migrate failure - aborting",
        "2026-11-22 10:00:01 aborting phase 2 - cleanup resources",
        "2026-11-22 10:00:02 ERROR: migration finished with problems (duration 00:00:02)",
        "TASK ERROR: migration problems",
    ]
    assert cost(log) == Cost(None, 2.0, None)
    assert errors(log) == [
        "migration status error: failed - no space",
        "ERROR: online migrate failure - aborting",
        "ERROR: migration finished with problems (duration 00:00:02)",
    ]


def test_nothing_to_read():
    assert cost([]) == cost(["no content"]) == Cost()
    assert (target_of([]), errors([]), shortened([])) == (None, [], [])


def test_target_of_a_running_migration():
    assert target_of(LIVE[:2]) == target_of(RESTART[:2]) == "pve2"


def test_of_progress_the_last_line_is_kept():
    kept = shortened(LIVE)
    assert [line for line in kept if "migration active" in line] == [LIVE[4]]
    assert len(kept) == len(LIVE) - 1
    assert len(shortened([f"2026-11-22 10:00:00 line {number}" for number in range(1000)])) == 200
