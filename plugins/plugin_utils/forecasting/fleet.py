# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The series of one call: which of them are computed together, and what is learned from them all before each is forecast."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils import engine as engines
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import (
    classic_lstm,
    classical,
    global_model,
    lstm,
    own_networks,
    training,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.backtest import origins
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.batch import Batch, Choice
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.family import Family, Lesson, examine, labels_of, learned
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.histories import (
    History,
    block_of,
    prepare,
    promise,
    season_of,
    tie_break,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.members import HEAVY, TORCH, Block, heavy_of
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Bools, Floats

# Fits cost hundreds of times what the other methods do. A fleet tries them where they promise most; what has no stored
# choice with them yet comes first the next time, so a fleet of any size gets its turn.
MAX_FITTED_SERIES, LEAST_PROMISE = 400, 0.15
# Enough to know how much each method is to be trusted.
MAX_EXAMINED_SERIES = 400
BATCH_SERIES, FITTED_BATCH_SERIES = 250, 25
LIGHT_VALUES = 150_000

Work = t.TypeVar("Work", Batch, Lesson)
Result = t.TypeVar("Result")


class Fleet(t.NamedTuple):
    """The series of one call.

    fitted: bool [n], those that theta and ETS are fitted to; starts [n] UTC seconds of the first values, NaN = unknown; own_networks: what
    each series' LSTM has learned, for values as `ready` has them, None = it has none; model: "auto" or a method; order: a text of each
    series that says nothing but its values, so that nothing depends on the order of the histories.
    """

    ready: list[History]
    seasons: list[int]
    fitted: Bools
    starts: Floats
    own_networks: list[t.Any]
    step_seconds: float
    horizon: int
    model: str
    seed: int
    engine: engines.Engine | None
    order: list[str]

    def block(self, rows: list[int], family: Family | None) -> Block:
        """Return some series as a block."""
        ready = [self.ready[row] for row in rows]
        ends = self.starts[rows] + np.array([history.last for history in ready]) * self.step_seconds
        return block_of(ready)._replace(
            season=self.seasons[rows[0]],
            step_seconds=self.step_seconds,
            seed=self.seed,
            ends=None if np.isnan(ends).any() else ends,
            networks=family.networks if family else [],
            own_networks=[self.own_networks[row] for row in rows],
        )

    def groups(self, rows: list[int], earlier: list[Choice | None]) -> list[list[int]]:
        """Return the rows of each batch: like length, season and gap; the ones with fits in small batches of their own, first."""
        by_kind: dict[tuple[bool, int, int, int], list[int]] = {}
        # Sums of a batch are rounded by the order of its rows: let it not depend on the order of the histories.
        for row in sorted(rows, key=lambda row: self.order[row]):
            history, choice = self.ready[row], earlier[row]
            if history.known:
                used = {item[0] for item in choice.weights} if choice else {self.model}
                heavy = bool(self.fitted[row]) or not used.isdisjoint(classical.METHODS)
                by_kind.setdefault((not heavy, history.length, self.seasons[row], history.gap), []).append(row)
        found = []
        for (cheap, *_kind), members in sorted(by_kind.items()):
            size = BATCH_SERIES if cheap else FITTED_BATCH_SERIES
            found += [members[begin : begin + size] for begin in range(0, len(members), size)]
        return found

    def kept(self, earlier: Sequence[Choice | None], families: Mapping[int, Family]) -> list[Choice | None]:
        """Return the earlier choices that still stand: not where fits are tried now, nor where a network counts that is not there."""
        found: list[Choice | None] = []
        for row, choice in enumerate(earlier):
            used = {method for method, _season, _weight in choice.weights} if choice else set()
            family = families.get(self.seasons[row])
            missing = "global" in used and not (family and family.horizon == self.horizon and family.networks)
            missing = missing or ("lstm" in used and self.own_networks[row] is None)
            found.append(None if self.fitted[row] or missing else choice)
        return found

    def learners(self, rows: Iterable[int]) -> dict[int, list[int]]:
        """Return by season those of some rows that have a past to be judged by: of the others nothing can be learned, nor is it of use to them."""
        found: dict[int, list[int]] = {}
        for row in sorted(rows, key=lambda row: self.order[row]):
            if self.ready[row].status == "ok" and self._offsets(row):
                found.setdefault(self.seasons[row], []).append(row)
        return found

    def families(self, given: Mapping[int, Family], rows: list[int]) -> dict[int, Family]:
        """Return what the series of each season have in common: what is given, and what is learned where these rows need more."""
        found = {season: family for season, family in given.items() if family.horizon == self.horizon}
        if self.model not in ("auto", "global"):
            return {}
        wanted = {season: members for season, members in self.learners(rows).items() if season not in found}
        if not wanted:
            return found
        judges = self._trained(wanted)
        lessons, owners = [], []
        for season, members in wanted.items():
            labels = labels_of(
                season,
                fits=bool(self.fitted[members].any()),
                networks=bool(judges[season]),
                own_networks=any(self.own_networks[row] is not None for row in members),
            )
            for part in self.groups(members[:MAX_EXAMINED_SERIES], [None] * len(self.ready)):
                block = self.block(part, None)._replace(networks=judges[season])
                lessons.append(Lesson(block, self.ready[part[0]].length, self.horizon, labels, self.fitted[part]))
                owners.append(season)
        heavy, values = set[str]().union(*(lesson.heavy for lesson in lessons)), sum(lesson.block.values.size for lesson in lessons)
        examined = list(self.run(examine, lessons, heavy=heavy, values=values))
        final = self._trained(wanted, begin=judges) if any(judges.values()) else judges
        for season in wanted:
            seen = [item for item, owner in zip(examined, owners, strict=True) if owner == season]
            found[season] = learned(season, self.horizon, final[season], judges[season], seen)
        return found

    def with_own_networks(self) -> Fleet:
        """Return the fleet with a network for each series that has none: an LSTM where it is long enough, or the one of the classic recipe."""
        if self.model == own_networks.CLASSIC:
            return self._with_classic_networks()
        rows = [row for row, history in enumerate(self.ready) if self.own_networks[row] is None and history.known >= training.MIN_KNOWN]
        lessons = [training.Lesson(self.ready[row], self.seasons[row]) for row in rows]
        parts = list(training.batches(lessons, [None] * len(rows), self.seed))
        found = list(self.own_networks)
        trained = engines.run(training.train_batch, [batch for _rows, batch in parts], engine=self.engine, needs=("torch",))
        for (numbers, _batch), one in zip(parts, trained, strict=True):
            for number, row in enumerate(numbers):
                found[rows[row]] = lstm.one_of(one.parameters, number)
        return self._replace(own_networks=found)

    def _with_classic_networks(self) -> Fleet:
        rows = [row for row, history in enumerate(self.ready) if self.own_networks[row] is None and history.status == "ok"]
        groups, size = self.groups(rows, [None] * len(self.ready)), classic_lstm.BATCH_SERIES
        parts = [group[begin : begin + size] for group in groups for begin in range(0, len(group), size)]
        lessons = [classic_lstm.Lesson(self.block(part, None).values, self.seed) for part in parts]
        found = list(self.own_networks)
        trained = engines.run(classic_lstm.train_batch, lessons, engine=self.engine, needs=("torch",))
        for part, model in zip(parts, trained, strict=True):
            for number, row in enumerate(part):
                found[row] = classic_lstm.one_of(model, number)
        return self._replace(own_networks=found)

    def handed_over(self) -> list[dict[str, t.Any] | None]:
        """Return the entry of `models` of each series' own network."""
        return [
            own_networks.handed_over(one, history, season, self.model)
            for one, history, season in zip(self.own_networks, self.ready, self.seasons, strict=True)
        ]

    def run(
        self, function: Callable[[Work], Result], work: Iterable[Work], *, heavy: set[str], values: int
    ) -> Generator[Result, None, None]:
        """Yield what workers make of some work, which is drawn as they get free, or this process where it is little.

        :param heavy: methods it uses that need statsforecast or torch; values: how many it is about.
        """
        light = not heavy and values <= LIGHT_VALUES
        return engines.run_each(function, work, engine=self.engine, light=light, needs=() if heavy.isdisjoint(TORCH) else ("torch",))

    def heavy(self, choices: Sequence[Choice | None]) -> set[str]:
        """Return the methods that need statsforecast or torch and may be used for forecasts by these choices, one for each row, None = to be made."""
        found = {method for choice in choices if choice for method, _season, _weight in choice.weights}
        open_rows = [row for row, choice in enumerate(choices) if choice is None]
        if open_rows and self.model != "auto":
            found.add(self.model)
        elif open_rows:
            found |= heavy_of(self.fitted[open_rows], [self.own_networks[row] for row in open_rows])
        return found.intersection(HEAVY)

    def _offsets(self, row: int) -> list[int]:
        return origins(self.ready[row].length, self.horizon, self.seasons[row])[2]

    def _trained(self, wanted: Mapping[int, list[int]], begin: Mapping[int, list[t.Any]] | None = None) -> dict[int, list[t.Any]]:
        """Return the networks of each season: without what is judged, or (begin) with it."""
        seasons = [season for season in wanted if global_model.available() and (begin is None or begin[season])]
        jobs = []
        for season in seasons:
            rows = wanted[season]
            ends = self.starts[rows] + np.array([self.ready[row].last for row in rows]) * self.step_seconds
            job = global_model.Job(
                values=[self.ready[row].values for row in rows],
                ends=None if np.isnan(ends).any() else ends,
                season=season,
                horizon=self.horizon,
                step_seconds=self.step_seconds,
                seed=self.seed,
                held_out=0 if begin else max(offset for row in rows for offset in self._offsets(row)),
                begin=begin[season] if begin else None,
            )
            if global_model.enough(job):
                job = global_model.drawn(job)
                # One job for each network, so that as many cores work.
                jobs += [job._replace(numbers=(number,)) for number in range(global_model.NETWORKS)]
        trained = engines.run(global_model.train, jobs, engine=self.engine, needs=("torch",))
        found: dict[int, list[t.Any]] = {season: [] for season in wanted}
        for job, networks in zip(jobs, trained, strict=True):
            found[job.season] += networks
        return found


def fleet_of(
    histories: Sequence[t.Any],
    given: Sequence[Mapping[str, t.Any] | None],
    *,
    known_seasons: Sequence[int | None],
    lower: Floats,
    upper: Floats,
    starts: Floats,
    metric: str | None,
    season: int | str | None,
    step_seconds: float,
    horizon: int,
    model: str,
    seed: int,
    engine: engines.Engine | None,
) -> Fleet:
    """Return histories made ready to be learned from and forecast together.

    :param given: per series the entry of `models`, as for `forecast_panel`; the rest is as there, per series where it says [n].
    :param known_seasons: [n] of an earlier choice, None = as `season` says.
    :param lower, upper, starts: [n].
    """
    ready = [
        prepare(history, horizon, step_seconds=step_seconds, metric=metric, lower=low, upper=high)
        for history, low, high in zip(histories, lower, upper, strict=True)
    ]
    seasons = [
        known or season_of(history, own_networks.season_of(item, model, season), step_seconds)
        for known, history, item in zip(known_seasons, ready, given, strict=True)
    ]
    order = [tie_break(history) for history in ready]
    return Fleet(
        ready=ready,
        seasons=seasons,
        fitted=_promising(ready, seasons, given, order, model),
        starts=starts,
        own_networks=[own_networks.taken(item, history, one, model) for item, history, one in zip(given, ready, seasons, strict=True)],
        step_seconds=float(step_seconds),
        horizon=horizon,
        model=model,
        seed=seed,
        engine=engine,
        order=order,
    )


def _promising(
    ready: list[History], seasons: list[int], given: Sequence[Mapping[str, t.Any] | None], order: list[str], model: str
) -> Bools:
    """Return which series [bool n] try theta and ETS beside the other candidates in this call.

    They are the most promising of those without a choice, then of those whose choice was made without these two. Beside a global network
    they add nothing to what has a season (hourly VM usage: within one per cent), and take ten times as long there.
    """
    chosen = np.zeros(len(ready), dtype=bool)
    if model != "auto" or not classical.available():
        return chosen
    untried = [row for row, history in enumerate(ready) if history.status == "ok" and not (given[row] or {}).get("tried_fits")]
    if global_model.available():
        untried = [row for row in untried if seasons[row] == 1]
    found = [("weights" in (given[row] or {}), -promise(ready[row]), row) for row in untried]
    found = [item for item in found if -item[1] >= LEAST_PROMISE]
    if len(found) > MAX_FITTED_SERIES:
        found.sort(key=lambda item: (item[0], item[1], order[item[2]]))
    chosen[[row for _has, _promise, row in found[:MAX_FITTED_SERIES]]] = True
    return chosen
