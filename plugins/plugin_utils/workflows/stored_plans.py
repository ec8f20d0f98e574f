# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans between store and file: find the one that is meant, write it for review, refuse what was edited."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import tempfile
import time
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import PlanError
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning import load_yaml, render_yaml, validate_plan
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.describe import utc
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import PlanRow, Store

_ID = re.compile(r"[0-9a-f]{64}\Z")
_ID_LINE = re.compile(r"^id: \"?([0-9a-f]{64})\"?$", re.MULTILINE)


def find_plan(store: Store, plan: str) -> PlanRow:
    """Return the stored plan that an id or a plan file names, validated.

    A file counts only if it says exactly what the store has: it is there to be read and passed on, not to be edited.

    :raises PlanError: when there is no such plan or file, or the file was edited.
    """
    if _ID.match(plan):
        row = store.load_plan(plan)
        if row is None:
            raise PlanError(f"The store {store.location} holds no plan {plan}; {_OTHER_STORE}")
        validate_plan(row.document, source=f"The stored plan {plan[:12]}")
        return row
    path = pathlib.Path(plan).expanduser().absolute()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise PlanError(
            f"Cannot read a plan from {path}: {reason}. Needed is a plan file, or an id of 64 digits (O(plan), foresight_plan)."
        ) from error
    return _of_file(store, text, path)


_OTHER_STORE = "needed is the store in which the plan was made (O(store), foresight_store), or a new plan."


def _of_file(store: Store, text: str, path: pathlib.Path) -> PlanRow:
    line = _ID_LINE.search(text)
    row = store.load_plan(line.group(1)) if line else None
    if row is not None and render_yaml(row.document) == text:
        # untouched: no need to parse it, which takes seconds for 10,000 actions
        validate_plan(row.document, source=str(path))
        return row
    document = load_yaml(text, source=str(path))
    validate_plan(document, source=str(path))
    row = store.load_plan(document["id"])
    if row is None:
        raise PlanError(f"{path} is a valid plan, but the store {store.location} does not hold it; {_OTHER_STORE}")
    for key in ("created_at", "expires_at"):
        if document[key] != row.document[key]:
            raise PlanError(
                f"{path} says {key} {utc(document[key])}, the store {utc(row.document[key])}: the file was edited, or the same plan was made "
                f"again since. Needed is the newest file, or the id: {row.id} (O(plan), foresight_plan)."
            )
    return row


def write_plan(document: t.Mapping[str, t.Any], path: str) -> str:
    """Write the plan as YAML for its owner alone (0600), in one step; return the path of the file.

    :param path: a file; or a folder (an existing one, or ending with a slash), in which the file is named by time and id.
    :raises PlanError: when it cannot be written. The plan is in the store all the same.
    """
    target = pathlib.Path(path).expanduser().absolute()
    if path.endswith("/") or target.is_dir():
        made = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(document["created_at"]))
        target /= f"foresight-plan-{made}-{document['id'][:12]}.yml"
    text = render_yaml(dict(document))
    temporary = None
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")  # mkstemp gives 0600
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
        raise PlanError(
            f"Cannot write the plan to {target}: {error.strerror}. The plan is in the store as {document['id']}; "
            "needed is a path that can be written (O(path), foresight_plan_path)."
        ) from error
    return str(target)
