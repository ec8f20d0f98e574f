# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the filter `bin_pack` takes: items, bins and policy, checked once; and what it gives back."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.fields import Fields
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

HEURISTICS = ("first_fit", "best_fit", "dot_product", "norm")
MINIMISE = ("bins", "capacity")
ROUNDS, MOST_ROUNDS = 200, 100_000
# Sums of floating point numbers that were added in another order still fit.
ROUNDING = 1e-9
FAR = 1e6


@dataclasses.dataclass(frozen=True, slots=True)
class Packing:
    """m items, b bins (no more of a kind than there are items), r resources by name.

    All amounts are in units of the most that a bin has of that resource: unit: [r] of these; asked: [m, r] the demand as it was told.
    demand: [m, r]; capacity: [b, r]; limit: [b, r] capacity with some slack for rounding; kind: [b] number of the document that a bin is of;
    cost: [b] capacity in units of an average bin, by the weights; scale: [r] by which amounts of resources become comparable.
    """

    items: tuple[str, ...]
    bins: tuple[str, ...]
    resources: tuple[str, ...]
    unit: Floats
    asked: Floats
    demand: Floats
    capacity: Floats
    limit: Floats
    kind: Ints
    cost: Floats
    scale: Floats


@dataclasses.dataclass(frozen=True, slots=True)
class PackingPolicy:
    """heuristics: ways to begin; rounds: of improvement."""

    heuristics: tuple[str, ...]
    seed: int
    minimise: str
    rounds: int


def read_packing(items: t.Any, bins: t.Any, policy: t.Any) -> tuple[Packing, PackingPolicy]:
    """Return the documents as arrays, items sorted by id.

    :raises InputError: for anything else, naming the item, the bin, or the option.
    """
    demands = _amounts(items, "Item", "items", "resources")
    capacities = _amounts(bins, "Bin", "bins", "capacity")
    if not capacities:
        raise InputError("There are no bins; needed is at least one (O(bins)).")
    resources = tuple(sorted({name for one in (*demands, *capacities) for name in one[1]}))
    fields = Fields({} if policy is None else policy, "The policy", "policy")
    fields.only(("heuristics", "seed", "resources", "minimise", "rounds"))
    demands.sort(key=_first)
    expanded = list(_expanded(capacities, len(demands)))
    names = [name for name, _kind in expanded]
    _unique([name for name, _amounts_of, _count in demands], "items")
    _unique(names, "bins")
    demand = _table([amounts for _name, amounts, _count in demands], resources)
    whole = _table([amounts for _name, amounts, _count in capacities], resources)
    kind = np.array([number for _name, number in expanded], dtype=np.int64)
    weights = _weights(fields, resources)
    there = whole[[count > 0 for _name, _amounts_of, count in capacities]]
    most = there.max(axis=0) if len(there) else np.zeros(len(resources))
    unit = np.where(most > 0, most, 1.0)
    mean = (there / unit).mean(axis=0) if len(there) else np.zeros(len(resources))
    scale = np.divide(weights, mean, out=np.zeros(len(resources)), where=mean > 0) / max(weights.sum(), 1.0)
    capacity = whole[kind] / unit
    packing = Packing(
        items=tuple(name for name, _amounts_of, _count in demands),
        bins=tuple(names),
        resources=resources,
        unit=unit,
        asked=demand,
        # What is far too large for every bin need not be told apart.
        demand=np.minimum(demand, FAR * unit) / unit,
        capacity=capacity,
        limit=capacity * (1.0 + ROUNDING),
        kind=kind,
        cost=(capacity * scale).sum(axis=1),
        scale=scale,
    )
    chosen = [str(name) for name in fields.items("heuristics")] or list(HEURISTICS)
    for name in chosen:
        if name not in HEURISTICS:
            raise fields.wrong("heuristics", name, f"a list of some of {', '.join(HEURISTICS)}")
    rounds = fields.count("rounds", ROUNDS)
    if rounds > MOST_ROUNDS:
        raise fields.wrong("rounds", rounds, f"a whole number from 0 to {MOST_ROUNDS}")
    return packing, PackingPolicy(tuple(chosen), fields.count("seed", 0), fields.choice("minimise", MINIMISE, "bins"), rounds)


def refusals(packing: Packing, at: Ints) -> list[dict[str, str]]:
    """Return the items without a bin, and for each of them which resource is short."""
    used = np.zeros(packing.capacity.shape)
    placed = np.flatnonzero(at >= 0)
    np.add.at(used, at[placed], packing.demand[placed])
    return [{"id": packing.items[item], "reason": _reason(packing, used, item)} for item in np.flatnonzero(at < 0).tolist()]


def _reason(packing: Packing, used: Floats, item: int) -> str:
    demand = packing.demand[item]
    asked, largest = packing.asked[item], packing.capacity.max(axis=0) * packing.unit
    short = [
        f"{name} (needed is {asked[number]:g}, the largest bin has {largest[number]:g})"
        for number, name in enumerate(packing.resources)
        if demand[number] > packing.limit[:, number].max()
    ]
    if short:
        return f"No bin is large enough: {', '.join(short)}."
    lacking = demand > packing.limit
    if lacking.any(axis=1).all():
        return f"No bin is large enough in all of its resources: {_counts(packing, lacking)}."
    return f"No bin has room left: {_counts(packing, demand > packing.limit - used)}."


def _counts(packing: Packing, lacking: Bools) -> str:
    counts = lacking.sum(axis=0)
    many = len(packing.bins)
    return ", ".join(f"{name} is short in {counts[number]} of {many}" for number, name in enumerate(packing.resources) if counts[number])


def _amounts(documents: t.Any, kind: str, option: str, key: str) -> list[tuple[str, Mapping[str, float], int]]:
    """Return (id, amounts by resource, count) of each document."""
    if not isinstance(documents, list):
        raise InputError(f"{option} is {documents!r:.60} ({type(documents).__name__}); needed is a list (O({option})).")
    found: list[tuple[str, Mapping[str, float], int]] = []
    for number, document in enumerate(documents):
        fields = Fields(document, f"{kind} {number}", f"{option}[{number}]")
        if not fields.has(key) and fields.has("cpu") and fields.has("memory"):
            found.append((*(_of_guest(fields) if option == "items" else _of_node(fields)), 1))
            continue
        name = fields.text("id")
        fields.name = f"{kind} {name}"
        fields.only(("id", key, "count") if option == "bins" else ("id", key))
        inner = fields.inner(key)
        if inner is None:
            raise fields.wrong(key, None, "a mapping of resources and amounts")
        found.append((name, _numbers(inner), fields.count("count", 1)))
    return found


def _numbers(fields: Fields | None) -> dict[str, float]:
    return {str(resource): float(fields.number(resource)) for resource in fields.document} if fields else {}


def _of_guest(fields: Fields) -> tuple[str, dict[str, float]]:
    """Return what a guest of a cluster document needs; a stopped one needs nothing."""
    amounts = {"cpu": float(fields.number("cpu")), "memory": float(fields.number("memory")), **_numbers(fields.inner("more"))}
    return fields.text("id"), amounts if fields.flag("running", True) else dict.fromkeys(amounts, 0.0)


def _of_node(fields: Fields) -> tuple[str, dict[str, float]]:
    """Return what a node of a cluster document has for guests: its capacity without its reserve and its overhead; nothing while it is closed."""
    amounts = {"cpu": float(fields.number("cpu")), "memory": float(fields.number("memory")), **_numbers(fields.inner("more"))}
    if not fields.flag("online", True) or fields.flag("maintenance", False):
        return fields.text("name"), dict.fromkeys(amounts, 0.0)
    taken = [_numbers(fields.inner(key)) for key in ("reserve", "overhead")]
    return fields.text("name"), {name: max(0.0, amount - sum(one.get(name, 0.0) for one in taken)) for name, amount in amounts.items()}


def _expanded(bins: Sequence[tuple[str, Mapping[str, float], int]], most: int) -> t.Iterator[tuple[str, int]]:
    """Return (name, number of its document) of each bin; more of a kind than items are never needed."""
    for number, (name, _amounts_of, count) in enumerate(bins):
        for one in range(min(count, max(1, most))):
            yield (name if count == 1 else f"{name}#{one + 1}"), number


def _first(document: tuple[str, Mapping[str, float], int]) -> str:
    return document[0]


def _unique(names: Sequence[str], option: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InputError(f"The id {name!r} appears twice among the {option}; each must be its own (O({option}[].id)).")
        seen.add(name)


def _table(rows: Sequence[Mapping[str, float]], resources: Sequence[str]) -> Floats:
    return np.array([[row.get(name, 0.0) for name in resources] for row in rows], dtype=np.float64).reshape(len(rows), len(resources))


def _weights(fields: Fields, resources: Sequence[str]) -> Floats:
    told = fields.inner("resources")
    if told is None:
        return np.ones(len(resources))
    told.only(resources)
    found = np.array([told.number(name, 0.0) for name in resources], dtype=np.float64)
    return found / found.max() if found.any() else found
