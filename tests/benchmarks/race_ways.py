# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The three ways of planning that race.

(a) A fixed threshold, as lvm.conf's autoextend: what is more than 80 % full grows by 20 %, or by what brings it back to 80 % where that is
    more. It keeps no reserve, and the last to grow gets what is left, where lvextend would fail. So it is treated kindly in both.
(b) The classic recipe: one LSTM a volume says the next tick, as a number without a spread (its median), and the free space is split by the
    proportional formula. It is trained on what is known at the start, and again each time half a warm-up has passed. Headroom, floor,
    cool-down and reserve are those of (c): only the forecast and the formula differ.
(c) Ours: forecast_panel with model auto, and allocate, as the defaults of roles/volumes say.

(b) and (c) build the documents that the lookup `volumes` builds: the demand is the quantile of the forecast peak over the planning window,
rounded up to whole ticks, out of as much history as the workflow reads. All volumes are managed, which is the user's to say and has no
default. Choices of models, and what series have in common, are handed from tick to tick and made anew by the rules of
workflows.forecast_memory and workflows.global_models. Equal histories with equal models, as the same real series in several orders, are
forecast once.
"""

from __future__ import annotations

import math
import pathlib
from collections import Counter, deque
from collections.abc import Collection, Mapping

import numpy as np
import yaml
from race_series import VOLUMES
from race_world import EXTENT, World

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation import allocate
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.manage import read_reserve
from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import parse_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.engine import Engine
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import MODELS, PanelForecast, forecast_panel
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.family import Family
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.score import MIN_VALUES, scored_badly, usual_change
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows import global_models
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forecast_memory import GROWN_BY
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.limits import bounds
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.time_grid import grid

DEFAULTS = pathlib.Path(__file__).resolve().parents[2] / "roles" / "volumes" / "defaults" / "main.yml"
METRIC = "used_bytes"
USUAL_QUANTILES = (0.1, 0.5, 0.9)
CLASSIC, OURS = "classic_lstm", "auto"
THRESHOLD, STEP = 0.8, 0.2

# Key of the policy: variable of the role, as in roles/volumes/tasks/plan.yml.
POLICY = {
    "strategy": "volumes_strategy", "headroom": "volumes_headroom", "share_exponent": "volumes_share_exponent",
    "max_step_fraction": "volumes_max_step_fraction", "min_change_extents": "volumes_min_change_extents",
    "min_growth_fraction": "volumes_min_growth", "allow_shrink": "volumes_allow_shrink",
    "shrink_headroom": "volumes_shrink_headroom", "shrink_margin": "volumes_shrink_margin", "min_shrink_fraction": "volumes_min_shrink_fraction",
    "max_shrink_step_fraction": "volumes_max_shrink_step_fraction", "shrink_past_seconds": "volumes_shrink_past",
    "shrink_cool_down_seconds": "volumes_shrink_cool_down", "floor": "volumes_floor", "quiet_hours": "volumes_quiet_hours",
    "cool_down_seconds": "volumes_cool_down", "hysteresis_fraction": "volumes_hysteresis",
}  # fmt: skip


def role_terms(changed: Mapping[str, object] | None = None) -> dict:
    """Return the default variables of roles/volumes; `changed` replaces some, and `volumes_floor.step_fraction` a part of one.

    :raises KeyError: for a variable that the role does not have.
    """
    terms = yaml.safe_load(DEFAULTS.read_text(encoding="utf-8"))
    for name, value in (changed or {}).items():
        variable, _dot, part = name.partition(".")
        place, key = (terms[variable], part) if part else (terms, variable)
        if key not in place:
            raise KeyError(f"roles/volumes has no variable {name}")
        place[key] = value
    return terms


class FixedThreshold:
    """(a): what is more than 80 % full grows by 20 %."""

    def __init__(self, world: World) -> None:
        self.reserve = np.zeros(len(world.extents), dtype=np.int64)

    def plan(self, world: World) -> np.ndarray:
        """Return the extents that each volume gets; one after the other, as dmeventd would come by."""
        added, free = np.zeros(len(world.size), dtype=np.int64), world.free
        fill = world.used / (world.size * EXTENT)
        for row in np.flatnonzero(fill > THRESHOLD):
            by = max(STEP, math.ceil(fill[row] / THRESHOLD * 100 - 1e-9) / 100 - 1)
            added[row] = min(math.ceil(world.size[row] * by - 1e-9), free[world.group[row]])
            free[world.group[row]] -= added[row]
        return added


class Forecasting:
    """(b) and (c): forecasts shared out by `allocate`.

    :param terms: variables of roles/volumes.
    :param model: of forecast_panel.
    :param steps: ticks ahead; None = the planning window of the role.
    :param quantile: of the forecast peak; None = the role's.
    :param renew: after so many ticks every model is made anew; None = only where the production rules want it.
    """

    def __init__(
        self,
        world: World,
        terms: Mapping,
        *,
        model: str,
        strategy: str | None = None,
        steps: int | None = None,
        quantile: float | None = None,
        renew: int | None = None,
        engine: Engine | None = None,
    ) -> None:
        reserve = read_reserve(terms["volumes_reserve"])
        self.reserve = np.array([reserve(int(extents), EXTENT) for extents in world.extents], dtype=np.int64)
        self._policy = {key: terms[variable] for key, variable in POLICY.items()} | ({"strategy": strategy} if strategy else {})
        self._window = world.step_seconds * steps if steps else parse_duration(terms["volumes_horizon"], option="horizon")
        self._steps = steps or -(-self._window // world.step_seconds)
        self._quantile = terms["volumes_quantile"] if quantile is None else quantile
        self._levels = tuple(sorted({*USUAL_QUANTILES, self._quantile}))
        self._min_samples = terms["volumes_min_samples"]
        self._model, self._renew, self._engine = model, renew, engine
        self._models, self._families = _Models(len(world.size)), _Families(world.step_seconds, model)

    def plan(self, world: World) -> np.ndarray:
        """Return the extents that each volume gets."""
        documents = self._volumes(world)
        answer = allocate(documents, self._groups(world), {**self._policy, "now": world.now})
        added = np.zeros(len(world.size), dtype=np.int64)
        rows = {document["entity"]: row for row, document in enumerate(documents)}
        for action in answer["actions"]:
            added[rows[action["target"]]] = (action["to"]["size"] - action["from"]["size"]) // EXTENT
        return added

    def _volumes(self, world: World) -> list[dict]:
        past = self._past(world)
        peak, status, methods = self._forecast(world, past)
        mean = past.mean(axis=1)
        known = past.shape[1] >= self._min_samples
        return [
            self._volume(world, row, float(peak[row]), status[row] if known else "cold_start", methods[row], float(mean[row]))
            for row in range(len(past))
        ]

    def _volume(self, world: World, row: int, peak: float, status: str, method: str, mean: float) -> dict:
        total, used = int(world.size[row]) * EXTENT, math.ceil(world.used[row])
        demand = max(0.0, peak) if status == "ok" else None
        forecast = {"quantile": self._quantile, "value": demand, "method": method, "status": status, "runway_seconds": None}
        return {
            **_place(world.group[row]), "entity": f"lv:{_key(row)}", "lv": f"v{row}", "uuid": f"v{row}", "size_bytes": total,
            "fs": {"type": "xfs", "size": total, "used": used, "avail": total - used}, "mounted": True, "role": "plain", "tags": [], "copies": 1,
            "observed_at": world.now, "managed": True, "named_exactly": False, "priority": 1.0, "min_bytes": None, "max_bytes": None,
            "allow_shrink": False, "allow_unmount": False, "demand_bytes": demand, "demand_status": status, "demand_note": None,
            "demand_window_seconds": self._window, "history_mean_bytes": mean, "forecast": forecast if status == "ok" else None,
            "last_resized_at": world.resized_at[row], "last_failed_at": None, "past_peak_bytes": None, "past_seconds": None, "copies_freed": 1,
            "unfinished": False, "left_unmounted": False, "refused_reason": None,
        }  # fmt: skip

    def _groups(self, world: World) -> list[dict]:
        return [
            {
                **_place(group), "entity": f"vg:h{group}/vg0", "uuid": f"g{group}", "extent_bytes": EXTENT, "extents": int(world.extents[group]),
                "extents_free": int(free), "reserve_extents": int(self.reserve[group]), "refused_reason": None,
            }
            for group, free in enumerate(world.free)
        ]  # fmt: skip

    def _past(self, world: World) -> np.ndarray:
        """Return as much of what was shown as the workflow forecast reads."""
        step, oldest = world.step_seconds, world.now - world.at * world.step_seconds
        times = grid(
            step=step, typical=step, newest=world.now, oldest=oldest, now=world.now, replay=False, history_seconds=None, horizon=self._steps
        )
        return world.shown[:, -min((times.end - times.start) // step, world.shown.shape[1]) :]

    def _forecast(self, world: World, past: np.ndarray) -> tuple[np.ndarray, list[str], list[str]]:
        """Return the demand [v], NaN where it is not known, status and method of each volume."""
        if self._renew and (world.at - world.warm_up + 1) % self._renew == 0:
            self._models.forget()
        families = self._families.usable(world.now, past)
        models = self._models.usable(past, world.at, self._levels, families)
        which: dict[tuple[bytes, int], int] = {}
        same = [which.setdefault((row.tobytes(), id(model)), len(which)) for row, model in zip(past, models, strict=True)]
        _numbers, firsts = np.unique(same, return_index=True)
        low, high = bounds(METRIC)
        panel = forecast_panel(
            [past[row] for row in firsts],
            step_seconds=world.step_seconds,
            horizon=self._steps,
            start=[float(world.now - (past.shape[1] - 1) * world.step_seconds)] * len(firsts),
            keys=[f"lv:{_key(row)}" for row in firsts],
            metric=METRIC,
            lower=low,
            upper=high,
            quantiles=self._levels,
            model=self._model,
            engine=self._engine,
            models=[models[row] for row in firsts],
            families=families,
        )
        self._families.keep(world.now, past, panel, families)
        self._models.keep(world.at, [panel.models[number] for number in same], panel.quantiles[same])
        column = self._levels.index(self._quantile)
        return panel.peak[same, column], [panel.status[number] for number in same], [panel.method[number] for number in same]


class _Models:
    """What is handed from one forecast to the next, by the rules of workflows.forecast_memory, whose store would hold it in production."""

    def __init__(self, volumes: int) -> None:
        self._models: list[Mapping | None] = [None] * volumes
        self._said: deque[tuple[int, np.ndarray, list[str | None]]] = deque(maxlen=MIN_VALUES)

    def forget(self) -> None:
        self._models = [None] * len(self._models)

    def keep(self, at: int, models: list[Mapping | None], quantiles: np.ndarray) -> None:
        self._models = models
        self._said.append((at, quantiles, [model.get("reason") if model else None for model in models]))

    def usable(self, past: np.ndarray, at: int, levels: tuple[float, ...], seasons: Collection[int]) -> list[Mapping | None]:
        """Return the model of each volume, None where one is to be chosen anew.

        :param seasons: those of which it is known what series have in common.
        """
        judged = next((said for said in self._said if said[0] == at - MIN_VALUES), None)
        return [None if model is None or self._outgrown(model, row, seasons) or self._failed(model, number, row, judged, levels) else model
                for number, (model, row) in enumerate(zip(self._models, past, strict=True))]  # fmt: skip

    @staticmethod
    def _outgrown(model: Mapping, past: np.ndarray, seasons: Collection[int]) -> bool:
        # Only a choice knows of what it was made; a network without these keys is renewed by the clock.
        if "weights" not in model:
            return False
        return not model["origins"] or len(past) >= GROWN_BY * model["values"] or model["season"] not in seasons

    @staticmethod
    def _failed(model: Mapping, number: int, past: np.ndarray, judged, levels: tuple[float, ...]) -> bool:
        if judged is None or model.get("pinball") is None or judged[2][number] != model.get("reason"):
            return False
        said = judged[1][number]
        actual = np.full(said.shape[1], np.nan)
        seen = min(MIN_VALUES, said.shape[1])
        actual[:seen] = past[len(past) - MIN_VALUES :][:seen]
        return scored_badly(actual, said, np.array(levels), unit=usual_change(past), expected=float(model["pinball"]))


class _Families:
    """What series have in common, from one forecast to the next, by the rules of workflows.global_models, whose rows it keeps."""

    def __init__(self, step: int, model: str) -> None:
        self._step, self._model = step, model
        self._stored: dict[int, global_models.Stored] = {}

    def usable(self, now: int, past: np.ndarray) -> dict[int, Family]:
        """Return by season what still serves."""
        found = global_models.usable(self._stored, now=now, there=self._extent(now, past), model=self._model)
        return {season: item.family for season, item in found.items()}

    def keep(self, now: int, past: np.ndarray, panel: PanelForecast, given: Collection[int]) -> None:
        """Take over what the panel has learned beside what it was given."""
        new = {season: family for season, family in panel.families.items() if season not in given}
        learners = Counter(int(model["season"]) for model in panel.models if model and model.get("origins"))
        extent = self._extent(now, past)
        rows, problems = global_models.rows_of(new, learners, metric=METRIC, step=self._step, now=now, extent=extent, model=self._model)
        if problems:
            raise ValueError(f"What was learned cannot be kept: {problems}")
        for family, (_key, _kind, meta, _payload) in zip(new.values(), rows, strict=True):
            self._stored[family.season] = global_models.Stored(family, meta)

    def _extent(self, now: int, past: np.ndarray) -> global_models.Extent:
        return global_models.Extent(len(past), past.size, now - (past.shape[1] - 1) * self._step, now)


def make_way(name: str, world: World, terms: Mapping, engine: Engine | None = None) -> FixedThreshold | Forecasting:
    """Return the way of planning with this letter."""
    if name == "a":
        return FixedThreshold(world)
    if name == "b":
        return Forecasting(
            world, terms, model=CLASSIC, strategy="proportional", steps=1, quantile=0.5, renew=world.warm_up // 2, engine=engine
        )
    return Forecasting(world, terms, model=OURS, engine=engine)


def can_run(name: str) -> bool:
    """Return whether forecast_panel has the model that this way needs."""
    return name != "b" or CLASSIC in MODELS


def _place(group: int) -> dict[str, str]:
    return {"host": f"h{group}", "vg": "vg0"}


def _key(row: int) -> str:
    return f"h{row // VOLUMES}/vg0/v{row}"
