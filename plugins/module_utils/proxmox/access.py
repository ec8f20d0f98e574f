# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who asks which API: the options of doc fragment C(foresight.capacity.proxmox), checked."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import env_fallback

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import UNAUTHENTICATED, Failure

PORT = 8006


class Access(t.NamedTuple):
    """Addresses, credentials and patience. ``repr`` shows no secret."""

    hosts: t.Tuple[str, ...]
    port: int
    user: str
    password: t.Optional[str]
    otp: t.Optional[str]
    token_name: t.Optional[str]
    token_secret: t.Optional[str]
    verify: t.Union[bool, str]
    timeout: float
    max_retries: int
    retry_delay: float

    def __repr__(self) -> str:
        return f"Access({', '.join(self.hosts)}, {self.who})"

    @property
    def who(self) -> str:
        """The user or token that asks, as Proxmox writes it."""
        return f"{self.user}!{self.token_name}" if self.token_name else self.user

    @property
    def secrets(self) -> t.Tuple[str, ...]:
        """What must not be in any message."""
        return tuple(text for text in (self.password, self.otp, self.token_secret) if text)


def proxmox_arguments() -> t.Dict[str, t.Dict[str, t.Any]]:
    """Options of doc fragment C(foresight.capacity.proxmox); names and environment variables are those of community.proxmox."""

    def told(kind: str, name: str, **more: t.Any) -> t.Dict[str, t.Any]:
        return {"type": kind, "fallback": (env_fallback, [f"PROXMOX_{name}"]), **more}

    return {
        "api_host": told("list", "HOST", elements="str", required=True),
        "api_port": told("int", "PORT"),
        "api_user": told("str", "USER"),
        "api_password": told("str", "PASSWORD", no_log=True),
        "api_otp": told("str", "OTP", no_log=True),
        "api_token_id": told("str", "TOKEN_ID", no_log=False),
        "api_token_secret": told("str", "TOKEN_SECRET", no_log=True),
        "ca_path": told("path", "CA_PATH"),
        "validate_certs": told("bool", "VALIDATE_CERTS", default=True),
        "api_timeout": told("float", "API_TIMEOUT", default=30),
        "max_retries": {"type": "int", "default": 3},
        "retry_delay": {"type": "float", "default": 1.0},
    }


def read_access(params: t.Mapping[str, t.Any]) -> Access:
    """Check connection options.

    :raises Failure: for options that cannot work together, naming them.
    """
    hosts = tuple(dict.fromkeys(host.strip() for host in params["api_host"] if host.strip()))
    if not hosts:
        raise _wrong("O(api_host) names no host", "Needed is at least one node of the cluster (O(api_host), E(PROXMOX_HOST))")
    user, token, secret = params.get("api_user") or "", params.get("api_token_id") or None, params.get("api_token_secret") or None
    if token and "!" in token:
        # Proxmox itself writes a token as USER@REALM!NAME; both spellings are common.
        owner, _unused, token = token.partition("!")
        if user and user != owner:
            raise _wrong(f"O(api_user) is {user} and O(api_token_id) belongs to {owner}", "Needed is the token's own user, or none")
        user = owner
    if "@" not in user:
        raise _wrong(f"O(api_user) is {user or 'not set'}", "Needed is USER@REALM, such as foresight@pve (O(api_user), E(PROXMOX_USER))")
    if bool(token) != bool(secret):
        given, missing = ("api_token_id", "api_token_secret") if token else ("api_token_secret", "api_token_id")
        raise _wrong(f"O({given}) is set and O({missing}) is not", f"Needed are both (O({missing}), E(PROXMOX_{missing[4:].upper()}))")
    password = None if token else params.get("api_password") or None
    if not token and not password:
        raise _wrong(
            f"There are no credentials for {user}",
            "Needed is a token (O(api_token_id) and O(api_token_secret)) or a password (O(api_password))",
        )
    return Access(
        hosts=hosts,
        port=int(params.get("api_port") or PORT),
        user=user,
        password=password,
        otp=params.get("api_otp") or None,
        token_name=token,
        token_secret=secret,
        verify=_verify(params),
        timeout=_at_least(params, "api_timeout", 30, 1),
        max_retries=int(_at_least(params, "max_retries", 3, 0)),
        retry_delay=_at_least(params, "retry_delay", 1.0, 0.0),
    )


def _verify(params: t.Mapping[str, t.Any]) -> t.Union[bool, str]:
    if params.get("validate_certs") is False:
        return False
    return params.get("ca_path") or True


def _at_least(params: t.Mapping[str, t.Any], option: str, default: float, least: float) -> float:
    value = params.get(option)
    value = default if value is None else value
    if not least <= value < float("inf"):
        raise _wrong(f"O({option}) is {value}", f"Needed is a number of at least {least:g}")
    return float(value)


def _wrong(seen: str, needed: str) -> Failure:
    return Failure(UNAUTHENTICATED, seen, needed, sent=False)
