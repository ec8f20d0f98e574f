"""Who may do what: users, tokens, tickets, roles, ACL."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .errors import Forbidden

if TYPE_CHECKING:
    from .model import Pool

ROOT = "root@pam"
TICKET_SECONDS = 7200
_PATH = re.compile(r"[A-Za-z0-9.\-_/]+")
_TOKEN_ID = re.compile(r"[^\s:/]+@[A-Za-z][A-Za-z0-9.\-_]+!([A-Za-z][A-Za-z0-9.\-_]+)")

Privileges = dict[str, int]


@dataclass
class User:
    """A user of a realm."""

    id: str
    password: str | None = None
    enabled: bool = True
    expire: int = 0
    groups: set[str] = field(default_factory=set)


@dataclass
class Token:
    """A token of a user; with privilege separation it needs entries of its own."""

    id: str
    value: str
    privsep: bool = True
    expire: int = 0
    comment: str | None = None

    @property
    def user(self) -> str:
        return self.id.partition("!")[0]

    @property
    def name(self) -> str:
        return self.id.partition("!")[2]


class Access:
    """The user configuration of the cluster, and the tickets it signs."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self.clear()

    def clear(self) -> None:
        """Nobody may do anything. Tickets stay valid, for their key stays."""
        self.users: dict[str, User] = {}
        self.tokens: dict[str, Token] = {}
        self.roles: dict[str, frozenset[str]] = {}
        self.all_privileges: frozenset[str] = frozenset()
        self.acl: dict[str, dict[str, dict[str, int]]] = {}  # path → user, token or @group → role → propagate
        self.pools: dict[str, Pool] = {}

    def load(self, state: dict[str, Any], pools: dict[str, Pool]) -> None:
        """Take the users, tokens, roles and ACL of a state file."""
        for entry in state.get("users", []):
            groups = set(entry.get("groups", []))
            self.users[entry["userid"]] = User(
                entry["userid"], entry.get("password"), bool(entry.get("enable", 1)), int(entry.get("expire", 0)), groups
            )
        for entry in state.get("tokens", []):
            if _TOKEN_ID.fullmatch(entry["tokenid"]):  # the real server ignores a one-letter name in its files
                self.tokens[entry["tokenid"]] = Token(
                    entry["tokenid"], entry["value"], bool(entry.get("privsep", 1)), int(entry.get("expire", 0)), entry.get("comment")
                )
        self.roles = {name: frozenset(privileges) for name, privileges in state.get("builtin_roles", {}).items()}
        self.roles |= {entry["roleid"]: frozenset(entry["privs"]) for entry in state.get("roles", [])}
        self.all_privileges = frozenset().union(*self.roles.values())
        for entry in state.get("acl", []):
            holders = self.acl.setdefault(entry["path"], {})
            holders.setdefault(entry["ugid"], {})[entry["roleid"]] = int(entry.get("propagate", 1))
        self.pools = pools

    # ---- tickets -----------------------------------------------------------------------------------------------------

    def ticket(self, user: str, now: float) -> str:
        """A ticket of a user."""
        text = f"PVE:{user}:{int(now):08X}"
        return f"{text}::{self._sign(text)}"

    def csrf(self, user: str, now: float) -> str:
        """The token that a ticket's writes carry."""
        stamp = f"{int(now):08X}"
        return f"{stamp}:{self._sign(f'{stamp}:{user}')}"

    def ticket_user(self, ticket: str, now: float) -> str | None:
        """Whose ticket it is, None unless it is valid."""
        text, _unused, signature = ticket.partition("::")
        parts = text.split(":")
        if len(parts) != 3 or not hmac.compare_digest(self._sign(text), signature):
            return None
        age = now - int(parts[2], 16)
        return parts[1] if -300 <= age <= TICKET_SECONDS and self.active(parts[1], now) else None

    def csrf_valid(self, token: str, user: str, now: float) -> bool:
        """Whether a CSRF token is the user's."""
        stamp, _unused, signature = token.partition(":")
        if not re.fullmatch(r"[0-9A-F]{8}", stamp) or not hmac.compare_digest(self._sign(f"{stamp}:{user}"), signature):
            return False
        return -300 <= now - int(stamp, 16) <= TICKET_SECONDS

    def _sign(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()

    def active(self, user: str, now: float) -> bool:
        """Whether the user exists, is enabled and has not expired."""
        found = self.users.get(user)
        return found is not None and found.enabled and not 0 < found.expire < now

    def password_user(self, user: str, password: str, now: float) -> bool:
        """Whether the password, or a valid ticket in its place, is the user's; a ticket of root@pam opens every door."""
        found = self.users.get(user)
        if found is None or not self.active(user, now):
            return False
        if password.startswith("PVE:"):
            return self.ticket_user(password, now) in (user, ROOT)
        return found.password is not None and hmac.compare_digest(found.password.encode(), password.encode())

    def token_user(self, text: str, now: float) -> str | None:
        """The id of the token in ``USER@REALM!NAME=SECRET``, None unless it is valid."""
        name, _unused, secret = text.partition("=")
        token = self.tokens.get(name)
        if token is None or not hmac.compare_digest(token.value.encode(), secret.encode()):
            return None
        if not self.active(token.user, now) or 0 < token.expire < now:
            return None
        return name

    # ---- privileges --------------------------------------------------------------------------------------------------

    def privileges(self, who: str, path: str) -> Privileges:
        """The privileges of a user or token on a path, each with its propagate flag."""
        token = self.tokens.get(who)
        if token is None:
            return self._own(who, path)
        users = self._own(token.user, path)
        if not token.privsep:
            return users
        return {name: flag and users[name] for name, flag in self._own(who, path).items() if name in users}

    def _own(self, who: str, path: str) -> Privileges:
        if who == ROOT:
            return dict.fromkeys(self.all_privileges, 1)
        found: Privileges = {}
        for role, propagate in self._with_pools(who, path).items():
            for privilege in self.roles.get(role, ()):
                found[privilege] = max(found.get(privilege, 0), propagate)
        return found

    def _with_pools(self, who: str, path: str) -> dict[str, int]:
        """The roles on a path and those of its pools, which never propagate; NoAccess of either wins."""
        roles = dict(self._roles(who, path))
        for pool in self._pool_paths(path):
            for role in self._roles(who, pool):
                roles.setdefault(role, 0)
        return {} if "NoAccess" in roles else roles

    def _pool_paths(self, path: str) -> list[str]:
        kind, _unused, name = path.lstrip("/").partition("/")
        if kind == "vms" and name.isdigit():
            return [f"/pool/{pool.id}" for pool in self.pools.values() if int(name) in pool.vms]
        if kind == "storage" and name:
            return [f"/pool/{pool.id}" for pool in self.pools.values() if name in pool.storages]
        return []

    def _roles(self, who: str, path: str) -> dict[str, int]:
        groups = [f"@{group}" for group in self.users[who].groups] if who in self.users else []
        roles: dict[str, int] = {}
        places = [path[:i] or "/" for i in range(len(path)) if path[i] == "/"] + ([path] if path != "/" else [])
        for place in dict.fromkeys(places):
            holders = self.acl.get(place)
            if not holders:
                continue
            here = self._held([who], holders, final=place == path) or self._held(groups, holders, final=place == path)
            if here:
                roles = here
        return {"NoAccess": roles["NoAccess"]} if "NoAccess" in roles else roles

    @staticmethod
    def _held(names: list[str], holders: dict[str, dict[str, int]], *, final: bool) -> dict[str, int]:
        held: dict[str, int] = {}
        for name in names:
            held |= {role: propagate for role, propagate in holders.get(name, {}).items() if final or propagate}
        return held

    def may(self, who: str, path: str | None, *privileges: str, some: bool = False) -> bool:
        """Whether somebody has all (or one) of the privileges on a path. The user root@pam may everything, his tokens only what has a path."""
        if who == ROOT:
            return True
        if path is None:
            return False
        token = self.tokens.get(who)
        if token is not None and token.user == ROOT and not token.privsep:
            return True
        held = self.privileges(who, path)
        return any(p in held for p in privileges) if some else all(p in held for p in privileges)

    def need(self, who: str, path: str | None, *privileges: str, some: bool = False) -> None:
        """:raises Forbidden: naming the path and what is missing of it"""
        if self.may(who, path, *privileges, some=some):
            return
        held = self.privileges(who, path) if path is not None else {}
        missing = "|".join(privileges) if some else next(p for p in privileges if p not in held)
        raise Forbidden(f"{path or ''}, {missing}")


def normal_path(path: str) -> str | None:
    """An access path without doubled and closing slashes; None where it holds what no path may."""
    path = re.sub("/+", "/", path)
    path = path.rstrip("/") or "/"
    return path if _PATH.fullmatch(path) else None
