# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Forecasts of many series at once: arrays in, arrays out. Everything calls `forecast_panel`, benchmarks included."""

from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.answers import PanelForecast
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.panel import MODELS, forecast_panel
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.version import code_version

__all__ = ["MODELS", "PanelForecast", "code_version", "forecast_panel"]
