"""/cluster/backup, /cluster/backup-info, /cluster/replication and /nodes/X/replication: job lists that are kept, not run."""

from __future__ import annotations

from typing import Any

from .api import Call, api
from .errors import BadParameters, Forbidden, Refused
from .formats import split_list

_NUMBERS = (
    "all",
    "enabled",
    "bwlimit",
    "ionice",
    "lockwait",
    "pigz",
    "quiet",
    "remove",
    "repeat-missed",
    "stdexcludes",
    "stop",
    "stopwait",
    "zstd",
    "maxfiles",
    "protected",
)


def _typed(params: dict[str, Any]) -> dict[str, Any]:
    return {key: int(value) if key in _NUMBERS and str(value).isdigit() else value for key, value in params.items()}


@api("GET", "/cluster/backup")
def backups(call: Call) -> Any:
    return list(call.world.backup_jobs.values())


@api("POST", "/cluster/backup")
def backup_create(call: Call) -> Any:
    call.world.need_cluster_file(call.node, "jobs.cfg")
    if not (call.flag("all") or call.has("vmid") or call.has("pool")):
        raise BadParameters(vmid="property is missing and it is not optional")
    name = call.get("id") or f"backup-{len(call.world.backup_jobs):08x}-{int(call.now) & 0xFFFF:04x}"
    if name in call.world.backup_jobs:
        raise Refused(f"Job '{name}' already exists")
    job = {"id": name, "type": "vzdump", "enabled": 1, "mode": "snapshot"} | _typed({k: call.get(k) for k in call.params})
    if "starttime" in job:
        job["schedule"] = f"{job.pop('dow', 'mon,tue,wed,thu,fri,sat,sun')} {job.pop('starttime')}"
    call.world.backup_jobs[name] = job


def _backup(call: Call) -> dict[str, Any]:
    job = call.world.backup_jobs.get(call.get("id"))
    if job is None:
        raise BadParameters(id=f"No such job '{call.get('id')}'")
    return job


@api("GET", "/cluster/backup/{id}")
def backup_read(call: Call) -> Any:
    return dict(_backup(call))


@api("PUT", "/cluster/backup/{id}")
def backup_update(call: Call) -> Any:
    job = _backup(call)
    call.world.need_cluster_file(call.node, "jobs.cfg")
    for key in split_list(call.get("delete")):
        job.pop(key, None)
    job.update(_typed({key: call.get(key) for key in call.params if key not in ("id", "delete")}))


@api("DELETE", "/cluster/backup/{id}")
def backup_delete(call: Call) -> Any:
    _backup(call)
    call.world.need_cluster_file(call.node, "jobs.cfg")
    del call.world.backup_jobs[call.get("id")]


def _covered(call: Call, job: dict[str, Any]) -> set[int]:
    if job.get("all"):
        return set(call.world.guests) - {int(v) for v in split_list(str(job.get("exclude", "")))}
    if "pool" in job:
        pool = call.world.pools.get(job["pool"])
        return set(pool.vms) if pool else set()
    return {int(v) for v in split_list(str(job.get("vmid", "")))}


@api("GET", "/cluster/backup/{id}/included_volumes")
def backup_volumes(call: Call) -> Any:
    children = []
    for vmid in sorted(_covered(call, _backup(call))):
        guest = call.world.guests.get(vmid)
        if guest is None:
            children.append({"id": vmid, "type": "unknown", "children": []})
            continue
        volumes = [
            {"id": f"{vmid}:{key}", "name": parts["volume"], "included": int(parts.get("backup", "1") != "0"), "reason": "enabled"}
            for key, parts in guest.disks.items()
        ]
        children.append({"id": vmid, "name": guest.name, "type": guest.kind, "children": volumes})
    return {"children": children}


@api("GET", "/cluster/backup-info")
def backup_info(call: Call) -> Any:
    return [{"subdir": "not-backed-up"}]


@api("GET", "/cluster/backup-info/not-backed-up")
def not_backed_up(call: Call) -> Any:
    covered: set[int] = set()
    for job in call.world.backup_jobs.values():
        covered |= _covered(call, job)
    return [
        {"vmid": guest.vmid, "type": guest.kind, "name": guest.name}
        for guest in call.world.guests.values()
        if guest.vmid not in covered and call.may(f"/vms/{guest.vmid}", "VM.Audit")
    ]


# ---- replication -----------------------------------------------------------------------------------------------------


def _job(call: Call) -> dict[str, Any]:
    job = call.world.replication_jobs.get(call.get("id"))
    if job is None:
        raise Refused(f"no such replication job '{call.get('id')}'")
    if not call.may(f"/vms/{job['guest']}", "VM.Audit"):
        raise Forbidden
    return job


@api("GET", "/cluster/replication")
def replications(call: Call) -> Any:
    return [dict(job) for job in call.world.replication_jobs.values() if call.may(f"/vms/{job['guest']}", "VM.Audit")]


@api("POST", "/cluster/replication")
def replication_create(call: Call) -> Any:
    name = call.get("id")
    guest, _unused, number = name.partition("-")
    call.need(f"/vms/{guest}", "VM.Replicate")
    call.world.need_cluster_file(call.node, "replication.cfg")
    found = call.world.guests.get(int(guest))
    if found is None:
        raise Refused(f"guest '{guest}' does not exist")
    if call.get("target") == found.node:
        raise Refused("target is local node")
    if call.get("target") not in call.world.nodes:
        raise Refused(f"no such cluster node '{call.get('target')}'")
    if name in call.world.replication_jobs:
        raise Refused(f"create replication job failed: replication job '{name}' already defined")
    job: dict[str, Any] = {key: call.get(key) for key in call.params}
    job |= {"guest": int(guest), "jobnum": int(number), "source": found.node}
    if "disable" in job:
        job["disable"] = int(job["disable"])
    call.world.replication_jobs[name] = job


@api("GET", "/cluster/replication/{id}")
def replication_read(call: Call) -> Any:
    return dict(_job(call))


@api("PUT", "/cluster/replication/{id}")
def replication_update(call: Call) -> Any:
    job = _job(call)
    call.need(f"/vms/{job['guest']}", "VM.Replicate")
    call.world.need_cluster_file(call.node, "replication.cfg")
    for key in split_list(call.get("delete")):
        job.pop(key, None)
    job.update({key: call.get(key) for key in call.params if key not in ("id", "delete", "digest")})


@api("DELETE", "/cluster/replication/{id}")
def replication_delete(call: Call) -> Any:
    job = _job(call)
    call.need(f"/vms/{job['guest']}", "VM.Replicate")
    call.world.need_cluster_file(call.node, "replication.cfg")
    del call.world.replication_jobs[job["id"]]


@api("GET", "/nodes/{node}/replication")
def node_replications(call: Call) -> Any:
    jobs = [job for job in call.world.replication_jobs.values() if job["source"] == call.node.name]
    if call.has("guest"):
        jobs = [job for job in jobs if job["guest"] == call.number("guest")]
    return [_state(call, job) for job in jobs if call.may(f"/vms/{job['guest']}", "VM.Audit")]


def _state(call: Call, job: dict[str, Any]) -> dict[str, Any]:
    """The state of a job that has not run yet."""
    guest = call.world.guests.get(job["guest"])
    state = {"last_sync": 0, "last_try": 0, "next_sync": int(call.now) // 900 * 900 + 900, "fail_count": 0, "duration": 0}
    return job | state | ({"vmtype": guest.kind} if guest else {})


@api("GET", "/nodes/{node}/replication/{id}")
def node_replication(call: Call) -> Any:
    return [{"name": "schedule_now"}, {"name": "log"}, {"name": "status"}]


@api("GET", "/nodes/{node}/replication/{id}/status")
def node_replication_status(call: Call) -> Any:
    return _state(call, _job(call))
