"""The permission check that a method's schema names, on parameters that nobody has verified yet."""

from __future__ import annotations

import re
from typing import Any

from .access import ROOT, Access, normal_path
from .errors import Forbidden, Refused
from .schema import Method, Value

_USER = re.compile(r"[^\s:/]+@[A-Za-z][A-Za-z0-9.\-_]+")


def check(access: Access, method: Method, who: str, params: dict[str, Value]) -> None:
    """:raises Forbidden: unless the caller may call the method"""
    rule = method.permissions
    if who == ROOT or (rule is not None and rule.get("user") in ("world", "all")):
        return
    if rule is None:
        raise Forbidden("user != root@pam")
    _check(access, rule["check"], who, params)


def _check(access: Access, rule: list[Any], who: str, params: dict[str, Value]) -> None:
    kind = rule[0]
    if kind == "and":
        for part in rule[1:]:
            _check(access, part, who, params)
    elif kind == "or":
        if not any(_passes(access, part, who, params) for part in rule[1:]):
            raise Forbidden
    elif kind == "perm":
        options = dict(zip(rule[3::2], rule[4::2], strict=True))
        if options.get("require_param") and options["require_param"] not in params:
            raise Forbidden
        access.need(who, normal_path(fill(rule[1], params)), *rule[2], some=bool(options.get("any")))
    elif kind == "userid-param":
        user = str(params.get("userid", ""))
        if not _USER.fullmatch(user):
            raise Refused(f"user name '{user}' is too short" if len(user) < 3 else f"value '{user}' does not look like a valid user name")
        if user != who:  # a token is not its user
            raise Forbidden
    elif kind == "userid-group":
        if not _of_group(access, who, str(params.get("userid", "")), rule[1]):
            raise Forbidden
    else:
        raise ValueError(f"unknown permission check {kind}")


def _passes(access: Access, rule: list[Any], who: str, params: dict[str, Value]) -> bool:
    try:
        _check(access, rule, who, params)
    except Forbidden:
        return False
    return True


def _of_group(access: Access, who: str, user: str, privileges: list[str]) -> bool:
    if user not in access.users:
        return False
    groups = access.users[user].groups
    return any(
        access.may(who, path, *privileges, some=True) for path in ("/access/groups", *(f"/access/groups/{group}" for group in groups))
    )


def fill(template: str, params: dict[str, Value]) -> str:
    """A path with its parameters; a missing one leaves nothing."""
    return re.sub(r"{([^}]+)}", lambda match: str(params.get(match[1], "")), template)
