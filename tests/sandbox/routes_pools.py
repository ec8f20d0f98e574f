"""/pools."""

from __future__ import annotations

from typing import Any

from .api import Call, api
from .errors import Forbidden, Refused
from .formats import split_list
from .model import Pool
from .routes_cluster import guest_entry, storage_entry


def _pool(call: Call, prefix: str = "") -> Pool:
    pool = call.world.pools.get(call.get("poolid"))
    if pool is None:
        raise Refused(f"{prefix}pool '{call.get('poolid')}' does not exist")
    return pool


def _shown(pool: Pool) -> dict[str, Any]:
    return {"poolid": pool.id} | ({"comment": pool.comment} if pool.comment is not None else {})


def _members(call: Call, pool: Pool) -> list[dict[str, Any]]:
    call.world.broadcast.refresh()
    kind = call.get("type")
    found = []
    for vmid in sorted(pool.vms):
        guest = call.world.guests.get(vmid)
        if guest is not None and kind in ("", guest.kind):
            found.append(guest_entry(call, vmid, full=False))
    if kind in ("", "storage"):
        found += [
            storage_entry(call, call.world.storages[name], call.node) for name in sorted(pool.storages) if name in call.world.storages
        ]
    return found


@api("GET", "/pools")
def pools(call: Call) -> Any:
    if call.has("poolid"):
        pool = _pool(call)  # the real one does not look whether the caller may see it
        return [_shown(pool) | {"members": _members(call, pool)}]
    return [_shown(pool) for pool in call.world.pools.values() if call.may(f"/pool/{pool.id}", "Pool.Audit")]


@api("GET", "/pools/{poolid}")
def pool_read(call: Call) -> Any:
    pool = _pool(call)
    return _shown(pool) | {"members": _members(call, pool)}


@api("POST", "/pools")
def pool_create(call: Call) -> Any:
    prefix, name = "create pool failed: ", call.get("poolid")
    call.world.need_cluster_file(call.node, "user.cfg", prefix)
    parent, _unused, leaf = name.rpartition("/")
    if name in call.world.pools:
        raise Refused(f"{prefix}pool '{name}' already exists")
    if parent and parent not in call.world.pools:
        raise Refused(f"{prefix}parent '{parent}' of pool '{name}' does not exist")
    if not leaf[:1].isalpha():
        raise Refused(f"{prefix}pool name must start with a letter")
    call.world.pools[name] = Pool(name, call.get("comment") or None)


@api("PUT", "/pools")
@api("PUT", "/pools/{poolid}")
def pool_update(call: Call) -> Any:
    prefix = "update pools failed: "
    call.world.need_cluster_file(call.node, "user.cfg", prefix)
    pool = _pool(call, prefix)
    vms, storages = dict.fromkeys(pool.vms), dict.fromkeys(pool.storages)
    moved: list[tuple[Pool, int]] = []
    try:
        for vmid in [int(vmid) for vmid in split_list(call.get("vms"))]:
            call.need(f"/vms/{vmid}", "Permissions.Modify", "VM.Allocate", some=True)
            other = call.world.pool_of(vmid)
            if not call.flag("delete") and vmid not in vms and other is not None:
                _take_from(call, other, vmid, prefix)
                moved.append((other, vmid))
            _change(call, vms, vmid, f"{prefix}VM {vmid}")
        for name in split_list(call.get("storage")):
            call.need(f"/storage/{name}", "Permissions.Modify", "Datastore.Allocate", some=True)
            _change(call, storages, name, f"{prefix}Storage '{name}'")
    except Forbidden as error:
        raise Refused(f"{prefix}403 {error.reason}") from None
    for other, vmid in moved:
        other.vms.discard(vmid)
    pool.vms, pool.storages = set(vms), set(storages)
    if call.has("comment"):
        pool.comment = call.get("comment")


def _take_from(call: Call, other: Pool, vmid: int, prefix: str) -> None:
    """:raises Refused, Forbidden: the guest stays where it is"""
    if not call.flag("allow-move"):
        raise Refused(f"{prefix}VM {vmid} belongs already to pool '{other.id}' and 'allow-move' is not set")
    call.need(f"/pool/{other.id}", "Pool.Allocate")


def _change(call: Call, members: dict[Any, None], one: Any, what: str) -> None:
    """:raises Refused: it is (or is not) a member already"""
    leave = call.flag("delete")
    if leave == (one not in members):
        raise Refused(f"{what} is {'not' if leave else 'already'} a pool member")
    if leave:
        del members[one]
    else:
        members[one] = None


@api("DELETE", "/pools")
@api("DELETE", "/pools/{poolid}")
def pool_delete(call: Call) -> Any:
    prefix = "delete pool failed: "
    call.world.need_cluster_file(call.node, "user.cfg", prefix)
    pool = _pool(call, prefix)
    kept = [f"pool '{name}'" for name in sorted(call.world.pools) if name.rpartition("/")[0] == pool.id]
    kept += [f"VM {vmid}" for vmid in sorted(pool.vms, key=str) if vmid in call.world.guests]
    kept += [f"storage '{name}'" for name in sorted(pool.storages) if name in call.world.storages]
    if kept:
        raise Refused(f"{prefix}pool '{pool.id}' is not empty (contains {kept[0]})")
    del call.world.pools[pool.id]
    call.world.access.acl.pop(f"/pool/{pool.id}", None)
