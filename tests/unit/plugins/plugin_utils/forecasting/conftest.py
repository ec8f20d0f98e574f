# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import collections.abc
import typing as t

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils import engine as engines
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import classic_lstm, lstm_network


@pytest.fixture(scope="module")
def in_this_process() -> collections.abc.Iterator[None]:
    """Compute all batches here: 30 pools would each import statsforecast anew. That pools give the same is shown in test_engine.

    Each series' own network learns for a few epochs only: how well it does in the end is shown in tests of its own.
    """

    def run_each(
        function: collections.abc.Callable[[t.Any], t.Any], batches: collections.abc.Iterable[t.Any], **_options: t.Any
    ) -> collections.abc.Iterator[t.Any]:
        for batch in batches:
            yield function(batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engines, "run", lambda function, batches, **_options: list(map(function, batches)))
        patch.setattr(engines, "run_each", run_each)
        patch.setattr(classic_lstm, "EPOCHS", 2)
        patch.setattr(lstm_network, "EPOCHS", 12)
        yield
