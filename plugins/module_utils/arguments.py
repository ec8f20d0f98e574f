# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Argument specs that several plugins share; each has one doc fragment of the same name beside it in doc_fragments."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import env_fallback


def store_arguments() -> dict[str, dict[str, t.Any]]:
    """Options of doc fragment C(foresight.capacity.store)."""
    return {
        "store": {"type": "str", "fallback": (env_fallback, ["FORESIGHT_STORE"])},
        "now": {"type": "int"},
        "log_level": {
            "type": "str",
            "choices": ["debug", "info", "warning", "error"],
            "default": "warning",
            "fallback": (env_fallback, ["FORESIGHT_LOG_LEVEL"]),
        },
        "log_file": {"type": "path", "fallback": (env_fallback, ["FORESIGHT_LOG_FILE"])},
    }


def search_path_arguments() -> dict[str, dict[str, t.Any]]:
    """Options of doc fragment C(foresight.capacity.search_path)."""
    return {"search_path": {"type": "list", "elements": "path", "default": []}}


def engine_arguments() -> dict[str, dict[str, t.Any]]:
    """Options of doc fragment C(foresight.capacity.engine)."""
    return {
        "engine": {"type": "str", "choices": ["local", "dask"]},
        "workers": {"type": "int"},
        "dask_address": {"type": "str"},
    }
