# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does a better forecast make a better volume? Usage replayed under three ways of planning. Prints Markdown, progress goes to stderr.

    .venv/bin/python tests/benchmarks/race_bench.py                       the reported half: odd seeds, and real series
    .venv/bin/python tests/benchmarks/race_bench.py --tune --ways a,c --set volumes_headroom=0.15
    .venv/bin/python tests/benchmarks/race_bench.py --quick --ways a,c    one tuning seed, few ticks: does it run?

What is replayed: race_series.py. What is counted: race_world.py. Who races: race_ways.py. All VGs with the same ticks are planned together, with
one forecast a tick, as a play over many hosts does. A way that has run through all ticks is kept under .cache/race, by the digest of all code,
defaults and options that it depends on: a run that was interrupted goes on behind the last one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import pathlib
import platform
import sys
import time
from collections.abc import Sequence

import race_series
import race_ways
import yaml
from race_report import goals, medians, seeds_table
from race_series import FAMILIES, REAL, REPORTED, TUNED, VOLUMES, Replay
from race_world import World

from ansible_collections.foresight.capacity.plugins.plugin_utils.engine import Engine, make_engine
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import code_version

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DATA = pathlib.Path(os.environ.get("FORESIGHT_DATA") or ROOT.parent / "shared" / "data")
KEPT = ROOT / ".cache" / "race"
WAYS = {"a": "fixed threshold", "b": "classic LSTM, proportional", "c": "ours"}
QUICK_SEEDS, QUICK_TICKS = [0], 12
TELL_SECONDS = 30


def replays(families: Sequence[str], seeds: Sequence[int], ticks: int | None) -> list[list[Replay]]:
    """Return what is replayed; each list has the same ticks. A line tells of real series that are not here."""
    shorter = {} if ticks is None else {"ticks": ticks}
    hourly = [race_series.generated(family, seed, **shorter) for family in families if family in FAMILIES for seed in seeds]
    weekly = []
    if wanted := [family for family in families if family in REAL]:
        if (DATA / "loaders.py").exists():
            weekly = [race_series.real(DATA, family, seed, **shorter) for family in wanted for seed in seeds]
        else:
            print(f"Real series left out: there is no {DATA / 'loaders.py'} (set FORESIGHT_DATA to the folder of data sets).\n")
    return [field for field in (hourly, weekly) if field]


def raced(field: list[Replay], way: str, terms: dict, engine: Engine) -> dict[str, dict[str, dict]]:
    """Return what a way came to, by family and seed; out of .cache/race where it has run before."""
    kept = KEPT / f"{_digest(field, way, terms)}.json"
    if kept.exists():
        return json.loads(kept.read_text(encoding="utf-8"))
    world = World(field)
    planner = race_ways.make_way(way, world, terms, engine)
    _live(world, planner, f"({way}) {WAYS[way]}, ticks of {world.step_seconds} s, {len(world.size)} volumes")
    found: dict[str, dict[str, dict]] = {}
    begin = 0
    for replay in field:
        end = begin + len(replay.series) // VOLUMES
        found.setdefault(replay.family, {})[str(replay.seed)] = _figures(world, slice(begin, end))
        begin = end
    KEPT.mkdir(parents=True, exist_ok=True)
    draft = kept.with_suffix(".draft")
    draft.write_text(json.dumps(found), encoding="utf-8")
    draft.replace(kept)
    return found


def _live(world: World, planner: race_ways.FixedThreshold | race_ways.Forecasting, title: str) -> None:
    begun = told = time.monotonic()
    for tick in range(1, world.ticks + 1):
        world.live(planner.plan(world), planner.reserve)
        now = time.monotonic()
        if now - told >= TELL_SECONDS or tick == world.ticks:
            told, each = now, (now - begun) / tick
            left = each * (world.ticks - tick) / 60
            print(f"{title}: {tick} of {world.ticks} ticks, {each:.2f} s each, {left:.0f} min left", file=sys.stderr, flush=True)


def _figures(world: World, groups: slice) -> dict[str, float | list[float]]:
    counts = world.counts
    apart = {name: getattr(counts, name)[:, groups].sum(axis=1).tolist() for name in ("full", "above", "unserved")}
    return {**apart, **{name: float(getattr(counts, name)[groups].sum()) for name in ("excess", "resizes", "exhausted")}}


def _digest(field: list[Replay], way: str, terms: dict) -> str:
    allocation = sorted((ROOT / "plugins" / "plugin_utils" / "allocation").glob("*.py"))
    files = [*allocation, *(HERE / f"race_{part}.py" for part in ("series", "world", "ways"))]
    found = hashlib.sha256(json.dumps([code_version(), way, terms], sort_keys=True).encode())
    for file in files:
        found.update(file.read_bytes())
    for replay in field:
        found.update(
            f"{replay.family} {replay.seed} {replay.step_seconds} {replay.warm_up} {replay.ticks}".encode() + replay.series.tobytes()
        )
    return found.hexdigest()[:24]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"tuning seed {QUICK_SEEDS[0]}, {QUICK_TICKS} ticks")
    parser.add_argument("--tune", action="store_true", help="the tuning half: even seeds of the generated families")
    parser.add_argument("--ways", default="a,b,c", help="of a, b, c (default: all)")
    parser.add_argument("--families", help=f"of {', '.join([*FAMILIES, *REAL])} (default: all)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="VARIABLE=VALUE", help="of roles/volumes instead of its default; only with --tune"
    )
    parser.add_argument("--workers", type=int, help="processes (default: as many as cores)")
    parser.add_argument("--dask-address", help="of a dask scheduler, whose workers stay warm from tick to tick; the results are the same")
    options = parser.parse_args()
    ways, families = options.ways.split(","), options.families.split(",") if options.families else [*FAMILIES, *REAL]
    _check(parser, options, ways, families)
    terms = race_ways.role_terms({name: yaml.safe_load(value) for name, value in (text.split("=", 1) for text in options.set)})
    seeds = QUICK_SEEDS if options.quick else TUNED if options.tune else REPORTED
    fields = replays([name for name in families if name in FAMILIES or not options.tune], seeds, QUICK_TICKS if options.quick else None)
    half = "Tuning half" if options.tune or options.quick else "Reported half"
    changed = f" Changed: {', '.join(options.set)}." if options.set else ""
    print(f"{half}, seeds {', '.join(map(str, seeds))}{', cut short' if options.quick else ''}. {_of(fields)}")
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores.{changed}\n", flush=True)
    engine = make_engine(None, options.workers, options.dask_address)
    results: dict[str, dict[str, dict[str, dict]]] = {}  # by family, way, seed
    for field in fields:
        for way in ways:
            for family, by_seed in raced(field, way, terms, engine).items():
                results.setdefault(family, {})[way] = by_seed
    names = {way: f"({way}) {WAYS[way]}" for way in ways}
    print(medians(results, names))
    if {"a", "c"} <= set(ways):
        print(goals(results))
    print(seeds_table(results, ways))
    return 0


def _of(fields: list[list[Replay]]) -> str:
    lines = []
    for field in fields:
        volumes = sum(len(replay.series) for replay in field)
        hours = field[0].step_seconds / 3600
        lines.append(
            f"{volumes:,} volumes in {volumes // VOLUMES:,} VGs, {field[0].ticks:,} ticks of {hours:g} h after a warm-up of {field[0].warm_up:,}."
        )
    return " ".join(lines)


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace, ways: list[str], families: list[str]) -> None:
    if unknown := sorted({*ways} - {*WAYS}):
        parser.error(f"--ways: there is no {', '.join(unknown)}; there are {', '.join(WAYS)}")
    if unknown := sorted({*families} - {*FAMILIES, *REAL}):
        parser.error(f"--families: there is no {', '.join(unknown)}; there are {', '.join([*FAMILIES, *REAL])}")
    if options.set and not options.tune:
        parser.error("--set is for --tune: what is reported has the defaults of the role")
    if "b" in ways and not race_ways.can_run("b"):
        parser.error(f"(b) needs the model {race_ways.CLASSIC}, which this forecast_panel does not have; --ways a,c runs the others")


if __name__ == "__main__":
    sys.exit(main())
