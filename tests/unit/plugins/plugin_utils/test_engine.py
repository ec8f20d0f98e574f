# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import typing as t

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils import engine
from ansible_collections.foresight.capacity.plugins.plugin_utils.engine import Engine, make_engine
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError


def test_light_work_stays_here() -> None:
    assert engine.run(eval, ["__import__('os').getpid()"], light=True) == [os.getpid()]
    assert engine.run(eval, ["__import__('os').getpid()"]) != [os.getpid()]
    engine.close()


@pytest.mark.parametrize("address", [None, "tcp://127.0.0.1:1"])
@pytest.mark.parametrize("batches", [[], iter([])])
def test_nothing_to_do_needs_nobody(address: str | None, batches: t.Any) -> None:
    assert engine.run(abs, batches, engine=make_engine(dask_address=address)) == []


def test_light_work_is_streamed() -> None:
    drawn = []
    results = engine.run_each(abs, (drawn.append(number) or number for number in (-1, -2, -3)), light=True)
    assert next(results) == 1
    assert drawn == [-1]


@pytest.mark.parametrize(("batches", "total"), [([-1, -2], 2), (iter([-1, -2]), None)])
def test_progress_is_told(batches: t.Any, total: int | None) -> None:
    told: list[tuple[int, int | None]] = []
    assert engine.run(abs, batches, light=True, progress=lambda *news: told.append(news)) == [1, 2]
    assert told == [(1, total), (2, total)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "spark"}, r"Unknown engine 'spark'"),
        ({"workers": 0}, r"0 workers.*O\(workers\)"),
        ({"engine": "dask"}, r"needs the address.*O\(dask_address\)"),
        ({"engine": "local", "dask_address": "tcp://a:1"}, r"needs no address"),
    ],
)
def test_wrong_options(options: dict[str, t.Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_engine(**options)


def test_an_address_alone_means_dask() -> None:
    assert make_engine(dask_address="tcp://a:1") == Engine("dask", address="tcp://a:1")
    assert make_engine() == Engine()
