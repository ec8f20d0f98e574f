# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.content import Content
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.volume import History, volume_view

GIB = 2**30
NOW = 1_763_700_000


def attributes(lv="data", used=9, size=12, **more):
    """What the store has of a volume; sizes in GiB."""
    fs = None if used is None else {"type": "xfs", "size": int(size * GIB * 0.98), "used": int(used * GIB), "mountpoints": [f"/srv/{lv}"]}
    return {
        "host": "web1",
        "vg": "vg0",
        "lv": lv,
        "uuid": lv,
        "size_bytes": size * GIB,
        "role": "plain",
        "fs": fs,
        "recorded": None,
        **more,
    }


def forecast(early=3600.0, likely=7200.0, **more):
    """A forecast document of six hours, in steps of ten minutes, that grows from 9 to 12.6 GiB."""
    median = [(9 + 0.1 * number) * GIB for number in range(1, 37)]
    return {
        "entity": "lv:web1/vg0/data", "metric": "used_bytes", "unit": "bytes", "issued_at": NOW, "step_seconds": 600, "horizon": 21600, "method": "drift",
        "quantiles": {"0.1": [value * 0.98 for value in median], "0.5": median, "0.9": [value * 1.02 for value in median]},
        "runway": {"limit": 11.76 * GIB, "seconds": {"0.1": early, "0.5": likely, "0.9": None}, "reach_probability": 0.8}, "status": "ok", "note": "", **more,
    }  # fmt: skip


def action(lv="data", before=12, after=16, **more):
    """A planned growth in GiB."""
    return {
        "id": f"id-{lv}", "kind": "lv_resize", "host": "web1", "target": f"lv:web1/vg0/{lv}", "from": {"size": before * GIB}, "to": {"size": after * GIB},
        "reason": "forecast", "message": "It will be full.", "cost": {"bytes": (after - before) * GIB}, **more,
    }  # fmt: skip


def plan(**parts):
    return {"id": "f" * 64, "created_at": NOW, "expires_at": NOW + 3600, "check": False, "scope": {"hosts": ["web1"]}, **parts}


def view(lv="data", *, known=None, synthetic=False, history=True, now=NOW, **more):
    past = History(NOW - 24 * 600, 600, [(7 + number / 12) * GIB for number in range(24)], [11.76 * GIB] * 24) if history else None
    return volume_view(
        f"lv:web1/vg0/{lv}", attributes(lv, **more), forecast() if known is None else known or None, past, now=now, synthetic=synthetic
    )


def content(volumes=(), groups=(), **more):
    rest = {"plan": None, "plan_state": None, "actions": [], "refused": [], "proposals": [], "outcomes": [], "notes": []}
    return Content(now=NOW, hosts=["web1"], volumes=list(volumes), groups=list(groups), **{**rest, **more})


class Samples:
    """The functions of this file, for tests that cannot import it."""

    NOW, GIB = NOW, GIB
    attributes, forecast, action, plan, view, content = map(staticmethod, (attributes, forecast, action, plan, view, content))


@pytest.fixture(scope="session")
def samples():
    return Samples
