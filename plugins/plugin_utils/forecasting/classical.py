# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Theta and exponential smoothing: fits of statsforecast, one series at a time. Runs in workers of the engine only."""

from __future__ import annotations

import functools
import importlib.util
import typing as t
import warnings

from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np, statsforecast_models

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Floats

METHODS = ("theta", "ets", "mstl")
MIN_VALUES = 14
_MAX_STEPS, _MAX_SEASONS, _MAX_ETS_SEASON = 300, 8, 24


@functools.cache
def available() -> bool:
    """Return whether statsforecast is installed here (without importing it: that takes seconds)."""
    return importlib.util.find_spec("statsforecast") is not None


def forecast(method: str, values: Floats, *, season: int, horizon: int) -> Floats | None:
    """Return the point forecast [horizon] of one series, or None where the model has no answer.

    Theta: Assimakopoulos & Nikolopoulos 2000, with additive decomposition where there is a season. ETS: Hyndman et al. 2008,
    form chosen by AICc; without a season that is longer than statsforecast's limit of 24 steps. MSTL: Bandara, Hyndman & Bergmeir 2021,
    with ETS for the trend; it has no answer without a season.

    :param values: [T], NaN = missing (filled in a straight line), the last one known; only the last part of long series is used.
    """
    values = values[~np.isnan(values).cumprod().astype(bool)]
    keep = max(_MAX_STEPS, _MAX_SEASONS * season if season > 1 else 0)
    values = _filled(values[-keep:])
    spread = float(np.ptp(values)) if len(values) else 0.0
    if len(values) < max(MIN_VALUES, 2 * season) or not spread > 0 or (method == "mstl" and season == 1):
        return None
    shift, scale = float(values.min()), spread
    model = _model(method, season)
    # One to two instead of the bytes themselves: the optimisers' tolerances are absolute, and positive values allow every form.
    found = _fit(model, (values - shift) / scale + 1.0, horizon)
    if found is None or not np.isfinite(found).all():
        return None
    return (found - 1.0) * scale + shift


def _model(method: str, season: int) -> t.Any:
    if method == "mstl":
        return statsforecast_models.MSTL(season_length=season, trend_forecaster=statsforecast_models.AutoETS(model="ZZN"))
    if method == "theta":
        return statsforecast_models.Theta(season_length=season, decomposition_type="additive")
    return statsforecast_models.AutoETS(season_length=season if season <= _MAX_ETS_SEASON else 1)


def _fit(model: t.Any, values: Floats, horizon: int) -> Floats | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.asarray(model.forecast(y=values, h=horizon)["mean"], dtype=np.float64)
    except (ValueError, ArithmeticError, NotImplementedError, np.linalg.LinAlgError):
        return None
    except Exception as error:
        # statsforecast raises "no model able to be fitted" as a bare Exception; of any other class it is no answer but a defect.
        if error.__class__ is not Exception:
            raise
        return None


def _filled(values: Floats) -> Floats:
    known = ~np.isnan(values)
    if known.all():
        return values
    steps = np.arange(len(values))
    return np.interp(steps, steps[known], values[known])
