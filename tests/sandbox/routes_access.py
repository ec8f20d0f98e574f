"""/access: tickets, permissions, tokens of users."""

from __future__ import annotations

import re
import secrets
import uuid
from typing import Any

from .access import Token, normal_path
from .api import Call, api
from .errors import BadParameters, Refused, Unauthorised
from .formats import split_list

_CAPABILITIES = {
    "vms": r"VM\.|Permissions\.Modify",
    "access": r"(User|Group)\.|Permissions\.Modify",
    "storage": r"Datastore\.|Permissions\.Modify",
    "nodes": r"Sys\.|Permissions\.Modify",
    "sdn": r"SDN\.|Permissions\.Modify",
    "dc": r"Sys\.Audit|Sys\.Modify|SDN\.",
    "mapping": r"Mapping\.|Permissions\.Modify",
}
_TOP = ("/", "/access", "/access/groups", "/nodes", "/pool", "/sdn", "/storage", "/vms")


@api("GET", "/version")
def version(call: Call) -> Any:
    return dict(call.world.version)


@api("GET", "/access/ticket")
def ticket_form(call: Call) -> Any:
    return None


@api("POST", "/access/ticket")
def ticket(call: Call) -> Any:
    user = call.get("username") + (f"@{call.get('realm')}" if call.get("realm") else "")
    access = call.world.access
    if not access.password_user(user, call.get("password"), call.now):
        raise Unauthorised("authentication failure\n", body=True)
    found: dict[str, Any] = {"username": user}
    if call.get("path") and call.get("privs"):
        if not access.may(user, normal_path(call.get("path")), *split_list(call.get("privs"))):
            raise Unauthorised("authentication failure\n", body=True)
    else:
        found |= {"ticket": access.ticket(user, call.now), "CSRFPreventionToken": access.csrf(user, call.now)}
    if call.world.name and access.may(user, "/", "Sys.Audit"):
        found["clustername"] = call.world.name
    return found | {"cap": capabilities(call, user)}


def capabilities(call: Call, user: str) -> dict[str, dict[str, int]]:
    """What a user may do, by area."""
    access = call.world.access
    found: dict[str, dict[str, int]] = {area: {} for area in _CAPABILITIES}
    for path in dict.fromkeys(("/", "/nodes", "/access/groups", "/vms", "/storage", "/sdn", "/mapping", *access.acl)):
        area = path.strip("/").partition("/")[0] or "dc"
        for privilege in access.privileges(user, path):
            if area == "pool":
                for prefix, place in (("VM.", "vms"), ("Datastore.", "storage")):
                    if privilege.startswith(prefix):
                        found[place][privilege] = 1
            elif area in found and re.match(_CAPABILITIES[area], privilege):
                found[area][privilege] = 1
    return found


@api("GET", "/access/permissions")
def permissions(call: Call) -> Any:
    access = call.world.access
    who = call.get("userid", call.who)
    if who != call.who and not (who.startswith(call.who + "!") and "!" not in call.who):
        call.need("/access", "Sys.Audit")
    if call.get("path"):
        return {call.get("path"): access.privileges(who, call.get("path"))}
    paths = [*_TOP, *access.acl]
    for pool in call.world.pools.values():
        paths += [f"/vms/{vmid}" for vmid in pool.vms] + [f"/storage/{storage}" for storage in pool.storages]
    found = {path: access.privileges(who, path) for path in dict.fromkeys(paths)}
    return {path: privileges for path, privileges in found.items() if privileges}


# ---- tokens ----------------------------------------------------------------------------------------------------------


def _user(call: Call) -> str:
    user = call.get("userid")
    if user not in call.world.access.users:
        raise Refused(f"no such user ('{user}')")
    return user


def _token(call: Call) -> Token:
    found = call.world.access.tokens.get(f"{_user(call)}!{call.get('tokenid')}")
    if found is None:
        raise Refused(f"no such token '{call.get('tokenid')}' for user '{call.get('userid')}'")
    return found


def _shown(token: Token) -> dict[str, Any]:
    return {"privsep": int(token.privsep), "expire": token.expire} | ({"comment": token.comment} if token.comment is not None else {})


def _change(call: Call, token: Token) -> None:
    if call.has("comment"):
        token.comment = call.get("comment")
    if call.has("expire"):
        token.expire = call.number("expire")
    if call.has("privsep"):
        token.privsep = call.flag("privsep")


@api("GET", "/access/users/{userid}/token")
def tokens(call: Call) -> Any:
    user = _user(call)
    return [{"tokenid": token.name, **_shown(token)} for token in call.world.access.tokens.values() if token.user == user]


@api("GET", "/access/users/{userid}/token/{tokenid}")
def token_read(call: Call) -> Any:
    return _shown(_token(call))


@api("POST", "/access/users/{userid}/token/{tokenid}")
def token_create(call: Call) -> Any:
    name = f"{_user(call)}!{call.get('tokenid')}"
    if name in call.world.access.tokens:
        raise BadParameters(tokenid="Token already exists.")
    call.world.need_cluster_file(call.node, "user.cfg", "generating token failed: ")
    token = Token(name, str(uuid.UUID(bytes=secrets.token_bytes(16), version=4)))
    _change(call, token)
    call.world.access.tokens[name] = token
    return {"full-tokenid": name, "value": token.value, "info": _shown(token)}


@api("PUT", "/access/users/{userid}/token/{tokenid}")
def token_update(call: Call) -> Any:
    token = _token(call)
    call.world.need_cluster_file(call.node, "user.cfg", "updating token info failed: ")
    gone = split_list(call.get("delete"))
    for name in gone:
        if name != "comment":
            raise Refused(f"updating token info failed: 400 Parameter verification failed.\ndelete: unknown option '{name}'")
    _change(call, token)
    if gone or token.comment == "":
        token.comment = None
    if not call.flag("regenerate"):
        return _shown(token)
    token.value = str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))
    return {"full-tokenid": token.id, "value": token.value, "info": _shown(token)}


@api("DELETE", "/access/users/{userid}/token/{tokenid}")
def token_delete(call: Call) -> Any:
    token = _token(call)
    call.world.need_cluster_file(call.node, "user.cfg", "deleting token failed: ")
    del call.world.access.tokens[token.id]
