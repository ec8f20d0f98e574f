# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import collections.abc
import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest
from joblib.externals.loky import process_executor

from ansible_collections.foresight.capacity.plugins.plugin_utils import engine, engine_local, engine_worker
from ansible_collections.foresight.capacity.plugins.plugin_utils.engine import Engine
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import ForesightError
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import MissingPackage
from support.dask_cluster import WAIT_SECONDS, until
from support.panels import batches_ahead

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from engine_functions import FOR_EVER, PID, alive, gone, meet, pids

ONE, TWO = Engine(workers=1), Engine(workers=2)


@pytest.fixture(autouse=True, scope="module")
def _no_pool_is_left() -> collections.abc.Iterator[None]:
    yield
    engine.close()


def worker(where: Engine = ONE) -> int:
    return int(engine.run(eval, [PID], engine=where)[0])


class TestBatches:
    def test_results_in_order(self) -> None:
        assert engine.run(abs, [-3, -1, -2], engine=TWO) == [3, 1, 2]

    def test_only_so_many_exist_at_a_time(self) -> None:
        drawn: list[int] = []
        batches = (drawn.append(number) or number for number in range(-40, 0))  # type: ignore[func-returns-value]
        most = 0
        for read, result in enumerate(engine.run_each(abs, batches, engine=TWO)):
            assert result == 40 - read
            most = max(most, len(drawn) - read)
        assert 2 <= most <= 2 * engine_local.BATCHES_IN_FLIGHT
        assert len(drawn) == 40

    def test_a_panel_makes_its_batches_as_workers_get_free(self) -> None:
        assert 2 <= batches_ahead(TWO) <= 2 * engine_local.BATCHES_IN_FLIGHT

    def test_one_stage_may_feed_another(self) -> None:
        stage = engine.run_each(abs, range(-30, 0), engine=TWO)
        assert engine.run(str, stage, engine=TWO) == [str(number) for number in range(30, 0, -1)]

    def test_threads_share_the_cores(self) -> None:
        cores = engine.worker_count()
        assert engine.run(os.getenv, ["OMP_NUM_THREADS"], engine=Engine(workers=cores)) == [str(cores)]
        assert engine.run(os.getenv, ["OMP_NUM_THREADS"] * cores, engine=Engine(workers=cores)) == ["1"] * cores

    def test_errors_come_back(self) -> None:
        with pytest.raises(ValueError, match="invalid literal"):
            engine.run(int, ["seven"])

    def test_missing_package_comes_back_whole(self) -> None:
        error = MissingPackage("statsforecast.models", "statsforecast", "requirements-ml.txt")

        def raising(what: Exception) -> None:
            raise what

        with pytest.raises(MissingPackage, match="pip install 'statsforecast'"):
            engine.run(raising, [error])

    def test_what_cannot_be_handed_over_is_told(self) -> None:
        with pytest.raises(ForesightError, match="could not be handed to or from a worker process"):
            engine.run(eval, ["type('Odd', (), {'__reduce__': lambda _self: (int, ('seven',))})()"], engine=ONE)


class TestFailures:
    def test_after_an_error_the_others_are_given_up(self, tmp_path: pathlib.Path) -> None:
        engine.run(exec, meet(tmp_path, 2), engine=TWO)
        drawn: list[int] = []
        endless = (drawn.append(number) or (FOR_EVER if number else "int('seven')") for number in range(1000))  # type: ignore[func-returns-value]
        with pytest.raises(ValueError, match="invalid literal"):
            engine.run(eval, endless, engine=TWO)
        assert len(drawn) <= 2 * engine_local.BATCHES_IN_FLIGHT
        gone(pids(tmp_path))
        assert engine.run(abs, [-1, -2], engine=TWO) == [1, 2]

    def test_who_stops_reading_gives_up_the_rest(self, tmp_path: pathlib.Path) -> None:
        engine.run(exec, meet(tmp_path, 2), engine=TWO)
        results = engine.run_each(eval, ["1", FOR_EVER, FOR_EVER], engine=TWO)
        assert next(results) == 1
        results.close()  # type: ignore[attr-defined]
        gone(pids(tmp_path))

    def test_giving_up_what_was_not_handed_out_yet(self, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        engine.run(exec, meet(tmp_path, 2), engine=TWO)
        thread = process_executor._ExecutorManagerThread
        hand_out = thread.add_call_item_to_queue
        monkeypatch.setattr(thread, "add_call_item_to_queue", lambda self: hand_out(self) if self.executor_flags.shutdown else None)
        endless = (FOR_EVER if number < 3 else int("seven") for number in range(4))
        with pytest.raises(ValueError, match="invalid literal"):
            engine.run(eval, endless, engine=TWO)
        gone(pids(tmp_path))
        assert engine_local._pools == {}

    def test_an_error_alone_costs_no_pool(self) -> None:
        before = worker()
        with pytest.raises(ValueError, match="invalid literal"):
            engine.run(int, ["seven"], engine=ONE)
        assert worker() == before

    def test_a_worker_that_dies_is_told_and_replaced(self) -> None:
        before = worker()
        with pytest.raises(ForesightError, match=r"A worker process of the local engine died.*O\(workers\)"):
            engine.run(eval, ["1", f"__import__('os').kill({PID}, 9)"], engine=ONE)
        assert worker() != before

    def test_a_batch_that_kills_is_not_repeated_for_ever(self) -> None:
        worker()
        with pytest.raises(ForesightError, match="A worker process of the local engine died"):
            engine.run(eval, [f"__import__('os').kill({PID}, 9)"], engine=ONE)


class TestWarmPool:
    def test_the_same_worker_serves_the_next_call(self) -> None:
        assert worker() == worker()

    def test_close_ends_it(self) -> None:
        before = worker()
        engine.close()
        gone([before])
        assert worker() != before

    def test_a_worker_killed_between_two_calls_is_replaced(self) -> None:
        before = worker()
        os.kill(before, signal.SIGKILL)
        assert worker() != before
        assert engine.run(abs, range(-20, 0), engine=ONE) == list(range(20, 0, -1))

    def test_two_shapes_stay_warm_and_a_third_ends_the_oldest(self, tmp_path: pathlib.Path) -> None:
        engine.close()
        alone = worker()
        engine.run(exec, meet(tmp_path, 2), engine=TWO)
        assert worker() == alone
        assert all(map(alive, pids(tmp_path)))
        engine.run(abs, [-1, -2, -3], engine=Engine(workers=3))
        gone(pids(tmp_path))
        assert worker() == alone

    def test_heavy_imports_after_a_light_batch_do_not_cost_the_worker(self) -> None:
        limit = "__import__('sys').modules['joblib.externals.loky.process_executor']._MAX_MEMORY_LEAK_SIZE"
        source = "__import__('inspect').getsource(__import__('joblib.externals.loky.process_executor', fromlist=['x'])._process_worker)"
        found, code = engine.run(eval, [limit, source], engine=ONE)
        assert found == engine_worker._MOST_GROWTH_BYTES
        assert "_MAX_MEMORY_LEAK_SIZE" in code

    def test_idle_workers_leave(self, monkeypatch: pytest.MonkeyPatch) -> None:
        engine.close()
        monkeypatch.setattr(engine_local, "_IDLE_SECONDS", 0.05)
        before = worker()
        gone([before])
        assert worker() != before
        engine.close()

    def test_a_fork_starts_its_own_and_leaves_the_parents_alone(self, tmp_path: pathlib.Path) -> None:
        done = _program("forks", tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        output, errors = done.communicate(timeout=WAIT_SECONDS)
        seen = json.loads(output)
        assert seen["exit"] == 0, errors
        assert seen["after"] == seen["before"] != seen["child"]
        assert errors == b""
        gone([seen["before"], seen["child"]])

    def test_the_end_of_the_process_ends_it(self, tmp_path: pathlib.Path) -> None:
        done = _program("ends", tmp_path, stderr=subprocess.PIPE)
        assert done.communicate(timeout=WAIT_SECONDS)[1] == b""
        assert done.returncode == 0
        gone(pids(tmp_path))

    @pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
    @pytest.mark.parametrize("what", ["busy", "idle"])
    def test_workers_leave_when_the_parent_is_killed(self, tmp_path: pathlib.Path, what: str, sent: signal.Signals) -> None:
        with _program(what, tmp_path, stderr=subprocess.DEVNULL) as parent:
            until((tmp_path / "idle").exists if what == "idle" else lambda: len(pids(tmp_path)) == 2, parent)
            workers = pids(tmp_path)
            assert len(workers) == 2
            assert all(map(alive, workers))
            parent.send_signal(sent)
            try:
                parent.wait(WAIT_SECONDS)
            finally:
                parent.kill()
        gone(workers)


def _program(what: str, folder: pathlib.Path, **more: int) -> subprocess.Popen[bytes]:
    here = pathlib.Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([engine.collections_root(), str(here.parents[2])])}
    command = [sys.executable, str(here / "engine_functions.py"), what, str(folder)]
    return subprocess.Popen(command, env=environment, **more)  # type: ignore[call-overload,no-any-return]
