"""/nodes/X/tasks and /cluster/tasks."""

from __future__ import annotations

from typing import Any

from .api import Call, Paged, api
from .errors import BadParameters, Refused
from .formats import split_list
from .scheduler import Work, told
from .tasks import UPID, Task

_SIGKILL_AFTER = 5.0
_SHOWN = 25  # newest finished tasks per node in /cluster/tasks


def _entry(task: Task) -> dict[str, Any]:
    entry = {
        "upid": task.upid,
        "node": task.node,
        "pid": task.pid,
        "pstart": task.pstart,
        "starttime": task.starttime,
        "type": task.type,
        "id": task.id,
    }
    return entry | task.identity


def _own(call: Call, task: Task) -> bool:
    """A token sees its own tasks, a user his own and those of his tokens."""
    return call.who in (task.user, task.user.partition("!")[0])


def _task(call: Call) -> Task:
    upid = call.get("upid")
    match = UPID.fullmatch(upid)
    if match is None:
        raise BadParameters(upid="unable to parse worker upid")
    task = call.world.tasks.get(upid)
    if task is None or task.node != call.node.name:
        raise BadParameters(upid="no such task")
    return task


@api("GET", "/nodes/{node}/tasks")
def tasks(call: Call) -> Any:
    source = call.get("source", "archive")
    auditor = call.may(f"/nodes/{call.node.name}", "Sys.Audit")
    found = []
    for task in call.world.tasks.all():
        own = call.who == task.user if task.running else _own(call, task)
        if task.node != call.node.name or not (auditor or own):
            continue
        if (source == "archive" and task.running) or (source == "active" and not task.running):
            continue
        if _filtered(call, task):
            found.append(task)
    found.sort(key=lambda task: not task.running)
    start, limit = call.number("start"), call.number("limit", 50)
    shown = []
    for task in found[start : start + limit]:
        if task.running:  # from another list, where the token is part of the user
            shown.append({key: value for key, value in _entry(task).items() if key != "tokenid"} | {"user": task.user, "status": "RUNNING"})
        else:
            shown.append(_entry(task) | {"status": task.exitstatus, "endtime": task.endtime})
    return Paged(shown, len(found))


def _filtered(call: Call, task: Task) -> bool:
    states = [state.lower() for state in split_list(call.get("statusfilter"))]
    return (
        (not call.has("vmid") or task.id == call.get("vmid"))
        and (not call.has("typefilter") or task.type == call.get("typefilter"))
        and call.get("userfilter").lower() in (task.user if task.running else task.identity["user"]).lower()
        and (not call.flag("errors") or task.running or task.result != "ok")
        and (not states or call.flag("errors") or task.result in states)
        and (not call.has("since") or task.starttime >= call.number("since"))
        and (not call.has("until") or task.starttime <= call.number("until"))
    )


@api("GET", "/cluster/tasks")
def cluster_tasks(call: Call) -> Any:
    shown, finished = [], dict.fromkeys(call.world.nodes, 0)
    everything = call.may("/", "Sys.Audit")
    for task in call.world.tasks.all():
        if not everything and task.identity["user"] != call.who:  # a token, which is no user, sees nothing
            continue
        entry = _entry(task)
        del entry["pstart"]
        if not task.running:
            finished[task.node] += 1
            if finished[task.node] > _SHOWN:
                continue
            del entry["pid"]
            entry |= {"status": task.exitstatus, "endtime": task.endtime, "saved": "1"}
        shown.append(entry)
    return shown


@api("GET", "/nodes/{node}/tasks/{upid}")
def task_index(call: Call) -> Any:
    return [{"name": "log"}, {"name": "status"}]


@api("GET", "/nodes/{node}/tasks/{upid}/status")
def status(call: Call) -> Any:
    task = _task(call)
    if not _own(call, task):
        call.need(f"/nodes/{call.node.name}", "Sys.Audit")
    return _entry(task) | ({"status": "running"} if task.running else {"status": "stopped", "exitstatus": task.exitstatus})


@api("GET", "/nodes/{node}/tasks/{upid}/log")
def log(call: Call) -> Any:
    match = UPID.fullmatch(call.get("upid"))
    if match is None:
        raise BadParameters(upid="unable to parse worker upid")
    task = call.world.tasks.get(call.get("upid"))
    if call.who not in (match["user"], match["user"].partition("!")[0]):
        call.need(f"/nodes/{call.node.name}", "Sys.Audit")
    if call.flag("download") and (call.has("start") or call.has("limit")):
        raise Refused("'download' cannot be used together with 'start' or 'limit' parameters")
    lines = task.lines if task is not None and task.node == call.node.name else ["unable to open file - No such file or directory"]
    start, limit = call.number("start"), call.number("limit", 50) or len(lines)
    return Paged([{"n": start + i + 1, "t": text} for i, text in enumerate(lines[start : start + limit])], len(lines))


@api("DELETE", "/nodes/{node}/tasks/{upid}")
def stop(call: Call) -> Any:
    task = _task(call)
    if not _own(call, task):
        call.need(f"/nodes/{call.node.name}", "Sys.Modify")
    if not task.running:
        return
    call.world.tasks.interrupt(task)

    def kill() -> Work:
        yield _SIGKILL_AFTER
        call.world.tasks.kill(task)

    call.world.scheduler.start(kill(), told)
