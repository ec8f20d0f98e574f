"""/pools."""

from __future__ import annotations

from typing import Any

from .api import Call, api
from .errors import Refused
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
        pool = _pool(call)
        call.need(f"/pool/{pool.id}", "Pool.Audit")
        return [_shown(pool) | {"members": _members(call, pool)}]
    return [_shown(pool) for pool in call.world.pools.values() if call.may(f"/pool/{pool.id}", "Pool.Audit")]


@api("GET", "/pools/{poolid}")
def pool_read(call: Call) -> Any:
    pool = _pool(call)
    return _shown(pool) | {"members": _members(call, pool)}


@api("POST", "/pools")
def pool_create(call: Call) -> Any:
    name = call.get("poolid")
    call.world.need_cluster_file(call.node, "user.cfg")
    if name in call.world.pools:
        raise Refused(f"create pool failed: pool '{name}' already exists")
    if "/" in name and name.rpartition("/")[0] not in call.world.pools:
        raise Refused(f"create pool failed: parent '{name.rpartition('/')[0]}' of pool '{name}' does not exist")
    call.world.pools[name] = Pool(name, call.get("comment") if call.has("comment") else None)


@api("PUT", "/pools")
@api("PUT", "/pools/{poolid}")
def pool_update(call: Call) -> Any:
    prefix = "update pools failed: "
    pool = _pool(call, prefix)
    call.world.need_cluster_file(call.node, "user.cfg")
    leave = call.flag("delete")
    vms = [int(vmid) for vmid in split_list(call.get("vms"))]
    for vmid in vms:
        if leave and vmid not in pool.vms:
            raise Refused(f"{prefix}VM {vmid} is not a pool member")
        if leave:
            continue
        call.need(f"/vms/{vmid}", "Permissions.Modify")
        other = call.world.pool_of(vmid)
        if other is not None and other is not pool and not call.flag("allow-move"):
            raise Refused(f"{prefix}VM {vmid} belongs already to pool '{other.id}' and 'allow-move' is not set")
        if other is pool:
            raise Refused(f"{prefix}VM {vmid} is already a pool member")
    for vmid in vms:
        other = call.world.pool_of(vmid)
        if other is not None:
            other.vms.discard(vmid)
        if not leave:
            pool.vms.add(vmid)
    for name in split_list(call.get("storage")):
        call.need(f"/storage/{name}", "Permissions.Modify")
        if leave == (name not in pool.storages):
            raise Refused(f"{prefix}Storage '{name}' is {'not' if leave else 'already'} a pool member")
        (pool.storages.discard if leave else pool.storages.add)(name)
    if call.has("comment"):
        pool.comment = call.get("comment")


@api("DELETE", "/pools")
@api("DELETE", "/pools/{poolid}")
def pool_delete(call: Call) -> Any:
    prefix = "delete pool failed: "
    pool = _pool(call, prefix)
    call.world.need_cluster_file(call.node, "user.cfg")
    if any(name.startswith(f"{pool.id}/") for name in call.world.pools):
        raise Refused(f"{prefix}pool '{pool.id}' has sub pools")
    present = [vmid for vmid in pool.vms if vmid in call.world.guests]
    if present:
        raise Refused(f"{prefix}pool '{pool.id}' is not empty (contains VM {min(present)})")
    if pool.storages:
        raise Refused(f"{prefix}pool '{pool.id}' is not empty (contains storage {min(pool.storages)})")
    del call.world.pools[pool.id]
