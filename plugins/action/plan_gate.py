# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opens, passes and closes the gate of an apply, and approves plans (documentation: modules/plan_gate.py)."""

from __future__ import annotations

import getpass
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.arguments import store_arguments
from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import parse_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.faces import Arguments, Verb, run_verb
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation import DOCUMENTS
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.budgets import OPTIONS
from ansible_collections.foresight.capacity.plugins.plugin_utils.play import Variables, play_hosts, refuse_forged
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.approve import approve
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.close_gate import close_gate
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.host_done import host_done
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.host_gate import host_gate
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.open_gate import open_gate

_RUN: dict[str, t.Callable[..., dict[str, t.Any]]] = {
    "open": open_gate,
    "host": host_gate,
    "done": host_done,
    "close": close_gate,
    "approve": approve,
}
_OWN_OF_HOST = ("require_approval", "stop", "stop_file", "exclude")
_OPEN_ONLY = (*_OWN_OF_HOST, "lease_seconds", "lock_wait", "budgets")


class ActionModule(Verb):
    """One state of the gate; one call of the workflow."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        return run_verb(
            self,
            spec={
                **store_arguments(),
                "state": {"type": "str", "choices": list(_RUN), "required": True},
                "plan": {"type": "str"},
                "run_id": {"type": "int"},
                "results": {"type": "list", "elements": "dict"},
                "not_begun": {"type": "list", "elements": "dict", "default": []},
                "approved_by": {"type": "str"},
                "require_approval": {"type": "bool", "default": False},
                "lease_seconds": {"type": "str", "default": "15m"},
                "lock_wait": {"type": "str", "default": "0"},
                "stop": {"type": "bool", "default": False},
                "stop_file": {"type": "path"},
                "exclude": {"type": "list", "elements": "str", "default": []},
                "budgets": {"type": "dict", "options": OPTIONS},
            },
            run=lambda run, **arguments: run(**arguments),
            more=lambda arguments: _of_state(arguments, variables, self._task.check_mode),
            per_host=self._task.args.get("state") in ("host", "done"),
            required_if=[("state", "open", ("plan",)), ("state", "approve", ("plan",)), ("state", "done", ("results",))],
        )


def _of_state(arguments: Arguments, variables: Variables, check: bool) -> Arguments:
    """Return what the workflow of this state takes; run_verb passes every argument, so the rest is taken out in place."""
    state = arguments.pop("state")
    given = {name: arguments.pop(name) for name in (*_OPEN_ONLY, "run_id", "approved_by", "results", "not_begun")}
    play = play_hosts(variables)
    if state in ("open", "host", "approve"):
        refuse_forged(variables, [str(variables["inventory_hostname"])], DOCUMENTS)
    chosen: Arguments = {"run": _RUN[state]}
    if state == "open":
        chosen.update({name: given[name] for name in _OPEN_ONLY})
        chosen.update({name: parse_duration(given[name], option=name) for name in ("lease_seconds", "lock_wait")})
        chosen["inventory"] = [str(host) for host in variables["groups"]["all"]]
        chosen["play"] = play.hosts
        chosen["reachable"] = [host for host in play.hosts if host not in set(play.lost)]
    elif state == "host":
        chosen.update(run_id=given["run_id"], host=str(variables["inventory_hostname"]), failed=play.lost)
        chosen.update({name: given[name] for name in _OWN_OF_HOST})
    elif state == "done":
        chosen.update(
            run_id=given["run_id"], host=str(variables["inventory_hostname"]), results=given["results"], not_begun=given["not_begun"]
        )
    elif state == "close":
        chosen["run_id"] = given["run_id"]
    else:
        chosen["approved_by"] = given["approved_by"] or str(
            variables.get("awx_user_name") or variables.get("tower_user_name") or _login_name()
        )
    if state != "close":
        chosen["check"] = check
    return chosen


def _login_name() -> str:
    """Return the login name, empty where the user has none, as in a container that runs under any uid."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
