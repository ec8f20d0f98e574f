# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The networks of single series between two calls: how an entry of `models` holds them, in units of the values, and what a forecast takes of it."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import classic_lstm, lstm
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.histories import History

    Entry = Mapping[str, t.Any]

LSTM, CLASSIC = "lstm", "classic_lstm"
METHODS = (LSTM, CLASSIC)


def taken(entry: Entry | None, history: History, season: int, model: str) -> t.Any:
    """Return a series' own network for its values as they were made ready; None without one that fits.

    :param entry: of `models`: `lstm` {parameters, season}, or `classic_lstm` {weights, low, high}, which serves only where model asks for it.
    """
    if model == CLASSIC:
        return _classic(entry, history)
    network = (entry or {}).get(LSTM)
    if not network or int(network["season"]) != season or not lstm.fits(network["parameters"], season):
        return None
    return lstm.rescaled(network["parameters"], -history.exponent)


def season_of(entry: Entry | None, model: str, season: int | str | None) -> int | str | None:
    """Return the season that the network of an entry was trained with, where it is asked for; else `season` as it is."""
    network = (entry or {}).get(LSTM)
    return int(network["season"]) if network and model == LSTM else season


def handed_over(network: t.Any, history: History, season: int, model: str) -> dict[str, t.Any] | None:
    """Return the entry of a series' own network; None where there is none, or one that has learned nothing.

    :param network: for values as they were made ready.
    """
    if network is None or (model == CLASSIC and not network.trained[0]):
        return None
    with np.errstate(over="ignore"):  # what is too large to be said in units of the values does not fit
        if model == CLASSIC:
            whole = classic_lstm.rescaled(network, history.exponent)
            entry = {"weights": whole.flat[0], "low": float(whole.low[0]), "high": float(whole.high[0])}
            return {CLASSIC: entry} if classic_lstm.model_of(**entry) else None
        parameters = lstm.rescaled(network, history.exponent)
    return {LSTM: {"parameters": parameters, "season": season}} if lstm.fits(parameters, season) else None


def _classic(entry: Entry | None, history: History) -> classic_lstm.Model | None:
    network = (entry or {}).get(CLASSIC)
    found = classic_lstm.model_of(network["weights"], network["low"], network["high"]) if network else None
    return None if found is None else classic_lstm.rescaled(found, -history.exponent)
