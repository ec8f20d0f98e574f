# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""forecast_panel behind the contract of the evaluator: `forecast_adapter:auto`, `forecast_adapter:theta` …, on the workers that the engine starts by itself."""

from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import MODELS, forecast_panel


def _forecaster(model):
    def forecast(contexts, h, m, quantiles, task, origin, *, start, step, limits):
        found = forecast_panel(
            contexts, step_seconds=step, horizon=h, start=start if start.any() else None, season=m if m > 1 else None,
            quantiles=quantiles, limits=limits, model=model
        )  # fmt: skip
        return {"quantiles": found.quantiles, "peak": found.peak, "runway": found.runway, "reach_probability": found.reach_probability}

    return forecast


globals().update({model: _forecaster(model) for model in MODELS})
