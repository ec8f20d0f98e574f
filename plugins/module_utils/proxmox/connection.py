# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One host of a Proxmox VE API, through proxmoxer: a call becomes its data or a Failure that says what to make of it."""

from __future__ import annotations

import re
import threading
import traceback
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import failures
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.access import Access
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure

# requests first: without it proxmoxer ends the process.
try:
    import requests
    from proxmoxer import ProxmoxAPI
    from proxmoxer.core import AuthenticationError, ResourceException
except ImportError:
    HAS_PROXMOXER = False
    PROXMOXER_IMPORT_ERROR: t.Optional[str] = traceback.format_exc()
else:
    HAS_PROXMOXER = True
    PROXMOXER_IMPORT_ERROR = None

_LONGEST = 600
_GATEWAY = (502, 503, 504, 596, 597, 598, 599)
# A 500 that will be the same the next time: the text says that something is not there or not so.
_LASTING = re.compile(
    r"does not exist|no such|not (?:HA )?managed|hostname lookup|not running|already|RRD error|migrated to rules|unable to parse", re.I
)
# A 500 of a change that may be another the next time; any other is a refusal with its reason.
_PASSING = re.compile(r"got timeout|timed out|cfs-lock|try again|temporar", re.I)
_FORBIDDEN = re.compile(r"Permission check failed \((?P<path>[^,)]*), (?P<privilege>[^)]+)\)")


class Connection:
    """Calls to one host; made when first used, and made again when its ticket has expired. Threads may share it.

    ``tickets`` gathers those of all hosts: each is valid at every host, so no message may hold one.
    """

    def __init__(self, host: str, access: Access, tickets: t.Set[str]) -> None:
        self.host = host
        self._access = access
        self._api: t.Any = None
        self._tickets = tickets
        self._guard = threading.Lock()

    def request(self, method: str, path: str, params: t.Mapping[str, t.Any]) -> t.Any:
        """Carry out one call.

        :raises Failure: whatever goes wrong.
        """
        api = self._login(None)
        try:
            return self._call(api, method, path, params)
        except Failure as failure:
            if failure.kind != failures.UNAUTHENTICATED or not self._access.password:
                raise
            # The call was refused before anything was done, so it can be made again with a new ticket.
            return self._call(self._login(api), method, path, params)

    def _login(self, stale: t.Any) -> t.Any:
        with self._guard:
            if self._api is None or self._api is stale:
                self._api = self._connected()
                self._tickets.update(text for text in self._api.get_tokens() if text)
            return self._api

    def _connected(self) -> t.Any:
        try:
            return self._guarded(self._connect, "POST", "/access/ticket")
        except Failure as failure:
            # Whatever became of the login, the call itself was not sent.
            failure.sent = False
            raise

    def _connect(self) -> t.Any:
        access = self._access
        credentials = (
            {"token_name": access.token_name, "token_value": access.token_secret}
            if access.token_name
            else {"password": access.password, "otp": access.otp}
        )
        # A host that is off is known soon; an answer may take its time.
        timeout = (min(access.timeout, 10.0), access.timeout)
        return ProxmoxAPI(self.host, user=access.user, port=access.port, verify_ssl=access.verify, timeout=timeout, **credentials)

    def _call(self, api: t.Any, method: str, path: str, params: t.Mapping[str, t.Any]) -> t.Any:
        verb = getattr(api(path.strip("/")), method.lower())
        data = self._guarded(lambda: verb(**params), method, path)
        if isinstance(data, dict) and isinstance(data.get("errors"), bytes):
            # What proxmoxer returns for an answer that is no JSON document; JSON itself has no bytes.
            raise self._unsettled(method, path, f"the answer of {len(data['errors'])} bytes is not a whole JSON document")
        return data

    def _guarded(self, call: t.Callable[[], t.Any], method: str, path: str) -> t.Any:
        try:
            return call()
        except ResourceException as error:
            raise self._answered(method, path, error) from None
        except AuthenticationError as error:
            raise self._no_login(error) from None
        except requests.exceptions.RequestException as error:
            raise self._unanswered(method, path, error) from None
        except (KeyError, TypeError, ValueError) as error:
            raise self._unsettled(method, path, f"the answer is not understood ({type(error).__name__})") from None
        except OSError as error:
            raise self._untrusted(str(error)) from None

    # ---- what was seen, in words -------------------------------------------------------------------------------------

    def _say(self, text: str) -> str:
        """A text of the API or of a library without secrets, and not endless."""
        for secret in (*self._access.secrets, *list(self._tickets)):
            text = text.replace(secret, "********")
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"

    def _answered(self, method: str, path: str, error: t.Any) -> Failure:
        status, reason = int(error.status_code), self._say(str(error.content or "").strip())
        errors = {str(key): self._say(str(text).strip()) for key, text in error.errors.items()} if isinstance(error.errors, dict) else {}
        seen = f"{method} {path} at {self.host} was answered {status} {reason or error.status_message or ''}".rstrip()
        if status == 400:
            details = "; ".join(f"{key}: {text}" for key, text in sorted(errors.items()))
            return Failure(failures.PARAMETERS, f"{seen} {details}".rstrip(), status=status, errors=errors)
        if status == 401:
            return Failure(failures.UNAUTHENTICATED, f"{seen} for {self._access.who}", self._credentials(), status=status)
        if status == 403:
            found = _FORBIDDEN.search(reason)
            needed = f"the privilege {found['privilege']} on {found['path'] or 'the object'}" if found else "more privileges"
            return Failure(
                failures.FORBIDDEN,
                seen,
                f"Needed is {needed} for {self._access.who} (the role in docs/proxmox.md, O(api_user), O(api_token_id))",
                status=status,
                privilege=found["privilege"] if found else None,
                path=found["path"] if found else None,
            )
        if status == 501:
            return Failure(failures.UNSUPPORTED, seen, "Needed is a release of Proxmox VE that has this method", status=status)
        if status == 595:
            needed = "Needed is that the node in the path is up and reaches the others"
            return Failure(failures.NODE_DEAD, seen, needed, status=status, again=True, elsewhere=True)
        gateway = status in _GATEWAY
        passing = not _LASTING.search(reason) if method == "GET" else bool(_PASSING.search(reason))
        again = gateway or (status >= 500 and passing)
        return Failure(failures.REFUSED, seen, status=status, errors=errors, again=again, elsewhere=gateway)

    def _unanswered(self, method: str, path: str, error: t.Any) -> Failure:
        text = self._say(str(error))
        if isinstance(error, requests.exceptions.SSLError) and re.search(
            r"certificate verify failed|doesn't match|not valid for", text, re.I
        ):
            return self._untrusted(text)
        if isinstance(error, requests.exceptions.ConnectTimeout) or "NewConnectionError" in text or "Failed to resolve" in text:
            return Failure(
                failures.UNREACHABLE,
                f"{self.host} (port {self._access.port} unless it names its own) takes no connection: {_cause(text)}",
                "Needed is a node whose API answers (O(api_host), O(api_port))",
                sent=False,
                again=True,
                elsewhere=True,
            )
        if isinstance(error, requests.exceptions.Timeout):
            # What takes too long here takes too long at the next host too; it is asked in the next round.
            failure = self._unsettled(method, path, f"none in {self._access.timeout:g} seconds (O(api_timeout))")
            failure.elsewhere = False
            return failure
        return self._unsettled(method, path, _cause(text))

    def _unsettled(self, method: str, path: str, text: str) -> Failure:
        seen = f"{method} {path} at {self.host} got no whole answer: {text}"
        return Failure(failures.UNREACHABLE, seen, "Needed is a node whose API answers (O(api_host))", again=True, elsewhere=True)

    def _untrusted(self, text: str) -> Failure:
        return Failure(
            failures.UNTRUSTED,
            f"The certificate of {self.host} was not accepted: {_cause(self._say(text))}",
            "Needed is the CA that signed it, on a cluster /etc/pve/pve-root-ca.pem (O(ca_path), E(PROXMOX_CA_PATH)), and a name that it holds "
            "(O(api_host))",
            sent=False,
            elsewhere=True,
        )

    def _no_login(self, error: t.Any) -> Failure:
        code = re.search(r"code: (\d+)", str(error))
        status = int(code[1]) if code else 401
        if status != 401 and status >= 500:
            seen = f"{self.host} could not judge the login of {self._access.user}: {status}"
            return Failure(
                failures.UNREACHABLE, seen, "Needed is a node whose API answers (O(api_host))", sent=False, again=True, elsewhere=True
            )
        return Failure(failures.UNAUTHENTICATED, f"{self.host} refused the login of {self._access.who}", self._credentials(), status=401)

    def _credentials(self) -> str:
        if self._access.token_name:
            return "Needed is a token that exists and has not expired (O(api_token_id), O(api_token_secret))"
        return "Needed are a user and password that are valid (O(api_user), O(api_password), O(api_otp))"


def _cause(text: str) -> str:
    """The part of a library's message that says why."""
    found = re.search(r"\[Errno -?\d+\] ([^'\")]+)|Caused by (.+)|\('Connection aborted\.', (.+)\)", text)
    return next((part for part in found.groups() if part), text).strip() if found else text
