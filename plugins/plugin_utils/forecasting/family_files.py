# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What series of one kind have in common, as bytes and back: networks, tables and calibration, bit for bit.

A family that is damaged, of other code or of something else is refused, whatever it says: wrong weights forecast without a sound.
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import calibration as levels
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import global_model, model_files
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.distribution import LEVELS
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.family import Family
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.members import BASE, METHODS, Label
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.version import code_version
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.model_files import Arrays

KIND = "global"
# These say what the numbers mean: the features and the scale of the networks, the score behind the tables, the levels that are moved.
_CODE = (
    "calibration.py",
    "candidates.py",
    "distribution.py",
    "family.py",
    "family_files.py",
    "global_model.py",
    "network.py",
    "past.py",
    "stacking.py",
    "windows.py",
)
_TABLES = ("weights", "wrong", "apart")
_CALIBRATION, _NETWORKS = "calibration", ("networks", "judges")
_ANEW = "Train it anew (M(foresight.capacity.train)); a forecast that needs it learns it anew as well."


def family_version() -> str:
    """Return the digest of the code that says what the numbers of a family mean."""
    return code_version(*_CODE)


def to_bytes(family: Family, *, key: str, step_seconds: float) -> bytes:
    """Return a family as bytes; equal families give equal bytes.

    :param key: what it is stored under: it is refused as that of another one.
    :raises InputError: for one with numbers that are not finite.
    """
    if not sound(family):
        raise InputError(
            f"What was learned for {key} has numbers that are not finite, so it is not stored; another seed may do better (O(seed))."
        )
    arrays: Arrays = {name: np.asarray(getattr(family, name)) for name in _TABLES}
    if family.calibration is not None:
        arrays[_CALIBRATION] = np.asarray(family.calibration.levels)
    for which in _NETWORKS:
        for number, parameters in enumerate(getattr(family, which)):
            arrays.update({f"{which}.{number}.{name}": np.asarray(array) for name, array in parameters.items()})
    header = {
        "kind": KIND,
        "key": key,
        "code": family_version(),
        "season": family.season,
        "horizon": family.horizon,
        "step_seconds": step_seconds,
        "series": family.series,
        **{which: len(getattr(family, which)) for which in _NETWORKS},
        "labels": [list(label) for label in family.labels],
    }
    return model_files.to_bytes(arrays, header)


def from_bytes(content: bytes, *, key: str) -> Family:
    """Return the family that was stored under a key.

    :raises InputError: for what is damaged, of another key, of other code, or no whole family.
    """
    arrays, header = model_files.from_bytes(content, kind=KIND)
    if header.get("key") != key:
        raise InputError(f"It is that of {header.get('key')!r}, needed is that of {key!r}. {_ANEW}")
    if header.get("code") != family_version():
        raise InputError(f"It was learned by other code (version {header.get('code_version')}) and cannot be read by this. {_ANEW}")
    try:
        family = _family(arrays, header)
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"It is not whole ({error}). {_ANEW}") from error
    if not _whole(family) or not sound(family):
        raise InputError(f"Its methods, tables and networks do not fit each other, or are not finite. {_ANEW}")
    return family


def sound(family: Family) -> bool:
    """Return whether all numbers of a family are finite."""
    arrays = [
        family.weights,
        family.wrong,
        family.apart,
        *(array for item in (*family.networks, *family.judges) for array in item.values()),
    ]
    if family.calibration is not None:
        arrays.append(family.calibration.levels)
    return all(bool(np.isfinite(array).all()) for array in arrays)


def _family(arrays: Mapping[str, t.Any], header: Mapping[str, t.Any]) -> Family:
    networks: dict[str, list[t.Any]] = {which: [{} for _number in range(int(header[which]))] for which in _NETWORKS}
    for name, array in arrays.items():
        if name not in (*_TABLES, _CALIBRATION):
            which, number, parameter = name.split(".")
            networks[which][int(number)][parameter] = array
    return Family(
        season=int(header["season"]),
        horizon=int(header["horizon"]),
        networks=networks["networks"],
        judges=networks["judges"],
        labels=[Label(str(method), int(season)) for method, season in header["labels"]],
        weights=arrays["weights"],
        wrong=arrays["wrong"],
        apart=arrays["apart"],
        calibration=levels.Calibration(arrays[_CALIBRATION]) if _CALIBRATION in arrays else None,
        series=int(header["series"]),
    )


def _whole(family: Family) -> bool:
    """Return whether the parts of a family have the shapes that belong together."""
    count = len(family.labels)
    if family.season < 1 or family.horizon < 1 or family.series < 0:
        return False
    if not family.labels or family.labels[0].method != BASE or any(label.method not in METHODS for label in family.labels):
        return False
    if [item.shape for item in (family.weights, family.wrong, family.apart)] != [(count,), (count,), (count, count)]:
        return False
    if family.calibration is not None:
        shape = family.calibration.levels.shape
        if len(shape) != 3 or shape[::2] != (2, len(LEVELS)) or not shape[1]:
            return False
    for networks in (family.networks, family.judges):
        if networks:
            global_model.check(networks, season=family.season, horizon=family.horizon)
    return True
