# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Which forecasts a lookup joins to what was recorded, and which of them it uses; each one tells what becomes of the others."""

    DOCUMENTATION = r"""
options:
  quantile:
    description: Which quantile of the forecast peak must fit. Above 0 and below 1.
    type: float
    default: 0.9
  min_samples:
    description: With fewer samples a forecast is a C(cold_start) and is not used.
    type: int
    default: 14
  max_age:
    description: A forecast whose newest sample is older is C(stale) and is not used. In seconds or as a text. Default is three steps.
    type: raw
  model:
    description: How to forecast, as in the lookup P(foresight.capacity.forecast#lookup).
    type: str
    default: auto
"""
