# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What action and lookup plugins have in common: arguments in, one workflow call, built-in types and readable errors out.

This is the one file of plugin_utils that knows Ansible.
"""

from __future__ import annotations

import logging
import math
import os
import time
import typing as t
from collections.abc import Mapping

from ansible.errors import AnsibleActionFail, AnsibleLookupError
from ansible.plugins.action import ActionBase
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ansible_collections.foresight.capacity.plugins.plugin_utils import engine
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import ForesightError, InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.logs import configure
from ansible_collections.foresight.capacity.plugins.plugin_utils.native import from_ansible, to_native

Arguments = dict[str, t.Any]


class Verb(ActionBase):  # type: ignore[misc]  # Ansible ships no types.
    """A verb of the controller: it contacts nobody, and its notes are written in check mode too."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False


def run_verb(
    action: ActionBase,
    *,
    spec: dict[str, dict[str, t.Any]],
    run: t.Callable[..., dict[str, t.Any]],
    more: t.Callable[[Arguments], Arguments] | None = None,
    per_host: bool = False,
    **constraints: t.Any,
) -> dict[str, t.Any]:
    """Validate the task's arguments, call one workflow function with them as keywords, and return its result.

    :param spec: argument spec of the plugin, store_arguments() included; `now` is filled from the clock, the log options are used here.
    :param run: the workflow function; it gets every other argument by its name.
    :param more: called with the arguments; returns keywords to add (hostvars, check mode …) or to replace.
    :param per_host: the verb is meant for a task without run_once; every other one needs the whole play at once.
    :param constraints: required_if, mutually_exclusive … as of AnsibleModule.
    :raises AnsibleActionFail: with the message of any ForesightError.
    """
    _validation, arguments = action.validate_argument_spec(argument_spec=spec, **constraints)
    try:
        if not per_host:
            _refuse_split_play(action)
        result = run(**_prepared(arguments, more))
    except ForesightError as error:
        # Ansible appends the message of every cause, and ours tell theirs already.
        raise AnsibleActionFail(str(error)) from None
    finally:
        engine.close()
    return {"changed": False, **to_native(result)}


def run_lookup(
    lookup: LookupBase,
    *,
    run: t.Callable[..., t.Any],
    variables: t.Any,
    options: Arguments,
    more: t.Callable[[Arguments], Arguments] | None = None,
) -> t.Any:
    """Take the lookup's documented options, call one workflow function with them as keywords, and return its result.

    :param options: the keyword arguments of LookupBase.run (direct options).
    :raises AnsibleLookupError: with the message of any ForesightError.
    """
    lookup.set_options(var_options=variables, direct=options)
    try:
        return to_native(run(**_prepared(lookup.get_options(), more)))
    except ForesightError as error:
        raise AnsibleLookupError(str(error)) from None
    finally:
        # A lookup may run in the process from which the tasks are forked.
        engine.close()


def _prepared(arguments: Arguments, more: t.Callable[[Arguments], Arguments] | None) -> Arguments:
    prepared: Arguments = from_ansible(dict(arguments))
    _refuse_no_number(prepared)
    configure(level=prepared.pop("log_level", "warning"), path=_absolute(prepared.pop("log_file", None)), console=_console)
    if "now" in prepared and prepared["now"] is None:
        prepared["now"] = int(time.time())
    if more is not None:
        prepared.update(more(prepared))
    return prepared


def _refuse_no_number(value: t.Any, path: str = "") -> None:
    """Refuse nan and inf, wherever they are: a limit that is no number would be no limit."""
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{path} is {value}; needed is a finite number (O({path})).")
    if isinstance(value, Mapping):
        for name, inner in value.items():
            _refuse_no_number(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            _refuse_no_number(inner, f"{path}[{number}]")


def _refuse_split_play(action: ActionBase) -> None:
    play = action._task.get_play()
    if str(play.strategy).rsplit(".", 1)[-1] in ("free", "host_pinned"):
        raise InputError(
            f"This play runs with strategy {play.strategy}; needed is linear, because {action._task.action} looks at all hosts of the run at once "
            "(the keyword strategy of the play)."
        )
    if play.serial:
        raise InputError(
            f"This play runs with serial: {play.serial}; {action._task.action} needs all hosts of the run at once. "
            "Take serial out of this play; only the changes play of apply.yml may have it (the keyword serial of the play)."
        )


def _absolute(path: str | None) -> str | None:
    return os.path.abspath(os.path.expanduser(path)) if path else None


def _console(level: int, line: str) -> None:
    display = Display()
    if level >= logging.ERROR:
        display.error(line, wrap_text=False)
    elif level >= logging.WARNING:
        display.warning(line)
    else:
        display.display(line)
