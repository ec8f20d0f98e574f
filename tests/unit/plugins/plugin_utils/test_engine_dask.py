# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import collections.abc
import pathlib
import subprocess
import sys
import typing as t

import distributed
import numpy as np
import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils import engine, engine_dask
from ansible_collections.foresight.capacity.plugins.plugin_utils.engine import Engine
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import ForesightError
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import forecast_panel
from support import dask_cluster
from support.panels import batches_ahead

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from engine_functions import FOR_EVER, PID, gone, meet, pids

CODE = pathlib.Path(engine.__file__).parent
SUM = "__import__('numpy').random.default_rng({}).normal(size=10_000).cumsum()"
# Of two workers, exactly the one that comes first to this batch dies over it.
KILLS_ONE = "__import__('os').mkdir({folder!r} + '/killed') or __import__('os').kill(__import__('os').getpid(), 9)"
KILLS_ONCE = f"({{batch}}) if __import__('os').path.exists({{folder!r}} + '/killed') else ({KILLS_ONE})"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> collections.abc.Iterator[dask_cluster.Cluster]:
    with dask_cluster.started(tmp_path_factory.mktemp("dask"), 2) as running:
        yield running


@pytest.fixture(scope="module")
def where(cluster: dask_cluster.Cluster) -> Engine:
    return Engine("dask", address=cluster.address)


@pytest.fixture(autouse=True, scope="module")
def _no_pool_is_left() -> collections.abc.Iterator[None]:
    yield
    engine.close()


class TestBatches:
    def test_the_same_forecasts_as_local_with_uploaded_code(self, where: Engine) -> None:
        random = np.random.default_rng(1)
        histories = [np.cumsum(random.exponential(1.0, 60)) for _series in range(4)] + [random.normal(size=60)]
        for model in ("auto", "theta"):
            local, remote = (
                forecast_panel(histories, step_seconds=600, horizon=6, model=model, limits=[70.0] * 5, engine=one)
                for one in (Engine(workers=1), where)
            )
            for name in ("quantiles", "peak", "runway", "reach_probability"):
                np.testing.assert_array_equal(getattr(local, name), getattr(remote, name))
            assert local.models == remote.models

    def test_both_workers_compute_and_results_come_in_order(self, where: Engine, tmp_path: pathlib.Path) -> None:
        engine.run(exec, meet(tmp_path, 2), engine=where)
        assert len(pids(tmp_path)) == 2
        batches = [SUM.format(seed) for seed in range(30)]
        for local, remote in zip(engine.run(eval, batches, engine=Engine(workers=2)), engine.run(eval, batches, engine=where), strict=True):
            np.testing.assert_array_equal(local, remote)

    def test_only_so_many_exist_at_a_time(self, where: Engine) -> None:
        drawn: list[int] = []
        told: list[int] = []
        batches = (drawn.append(number) or number for number in range(-40, 0))  # type: ignore[func-returns-value]
        most = 0
        results = engine.run_each(abs, batches, engine=where, progress=lambda done, _total: told.append(done))
        for read, result in enumerate(results):
            assert result == 40 - read
            most = max(most, len(drawn) - read)
        assert 2 <= most <= 2 * engine_dask.BATCHES_IN_FLIGHT
        assert told == list(range(1, 41))

    def test_a_panel_makes_its_batches_as_workers_get_free(self, where: Engine) -> None:
        assert 2 <= batches_ahead(where) <= 2 * engine_dask.BATCHES_IN_FLIGHT

    def test_results_that_were_read_are_not_kept_on_the_cluster(self, where: Engine) -> None:
        with distributed.Client(where.address, set_as_default=False) as client:
            for read, _result in enumerate(engine.run_each(abs, range(-40, 0), engine=where)):
                kept = client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks))
                assert kept <= 2 * engine_dask.BATCHES_IN_FLIGHT + 1, read

    def test_errors_come_back_and_what_was_not_started_never_is(self, where: Engine, tmp_path: pathlib.Path) -> None:
        fails = f"int('seven') if {PID} else 0"
        touches = [f"__import__('pathlib').Path({str(tmp_path / str(number))!r}).touch()" for number in range(1000)]
        with pytest.raises(ValueError, match="invalid literal"):
            engine.run(eval, [fails, *touches], engine=where)
        assert engine.run(abs, [-1], engine=where) == [1]
        assert len(list(tmp_path.iterdir())) < 2 * engine_dask.BATCHES_IN_FLIGHT

    def test_other_versions_of_what_a_call_needs_are_refused(self, where: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        ours = engine_dask._versions
        monkeypatch.setattr(
            engine_dask, "_versions", lambda *what: {name: "0.1" if name == "joblib" else seen for name, seen in ours(*what).items()}
        )
        assert engine.run(abs, [-1], engine=where) == [1]
        with pytest.raises(ForesightError, match=r"does not run the same versions: .*has joblib .*this controller 0\.1"):
            engine.run(abs, [-1], engine=where, needs=("joblib",))


class TestFailures:
    def test_a_worker_killed_in_the_middle_then_the_scheduler(self, tmp_path: pathlib.Path) -> None:
        batches = [SUM.format(seed) for seed in range(12)]
        with dask_cluster.started(tmp_path, 2) as cluster:
            where = Engine("dask", address=cluster.address)
            killing = [*batches[:5], KILLS_ONCE.format(batch=batches[5], folder=str(tmp_path)), *batches[6:]]
            remote = engine.run(eval, killing, engine=where)
            assert sum(process.poll() is not None for process in cluster.workers) == 1
            np.testing.assert_array_equal(remote, engine.run(eval, batches, engine=Engine(workers=2)))

            results = engine.run_each(eval, ["1", FOR_EVER, FOR_EVER], engine=where)
            assert next(results) == 1
            cluster.scheduler.kill()
            with pytest.raises(ForesightError, match=rf"The dask scheduler at {cluster.address} went away in the middle"):
                next(results)

    def test_all_workers_gone_in_the_middle(self, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(engine_dask, "_LOOK_SECONDS", 0.05)
        monkeypatch.setattr(engine_dask, "_DESERTED_LOOKS", 2)
        with dask_cluster.started(tmp_path, 1) as cluster:
            where = Engine("dask", address=cluster.address)
            with pytest.raises(ForesightError, match=r"All workers .* went away in the middle, and none came back"):
                engine.run(eval, [KILLS_ONE.format(folder=str(tmp_path))], engine=where)
            with pytest.raises(ForesightError, match="has no worker; start one with: dask worker"):
                engine.run(abs, [1], engine=where)

    def test_a_batch_that_keeps_killing_workers(self, tmp_path: pathlib.Path) -> None:
        with dask_cluster.started(tmp_path, 1, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0") as cluster:
            with pytest.raises(ForesightError, match=r"died several times over one batch.*Give the workers more memory"):
                engine.run(eval, [KILLS_ONE.format(folder=str(tmp_path))], engine=Engine("dask", address=cluster.address))
            gone([process.pid for process in cluster.workers])

    def test_no_scheduler_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(engine_dask, "_CONNECT_SECONDS", 1)
        with pytest.raises(ForesightError, match=r"No dask scheduler answers at tcp://127\.0\.0\.1:1 .*O\(dask_address\)"):
            engine.run(abs, [1], engine=Engine("dask", address="tcp://127.0.0.1:1"))


class Workers:
    """Stands for a client whose workers have these packages, and all else as here."""

    def __init__(self, **packages: str) -> None:
        self.packages = packages

    def run(self, probe: t.Callable[[], dict[str, str]]) -> dict[str, dict[str, str]]:
        return {"tcp://10.0.0.7:1": {**probe(), **self.packages}}


class TestVersions:
    @pytest.fixture(autouse=True)
    def _ours(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(engine_dask, "_versions", lambda files, packages: {"collection": engine_dask._digest(files), **self.ours})

    ours: t.ClassVar = {"numpy": "2.4.6", "torch": "2.13.0", "safetensors": "missing"}

    def agree(self, workers: Workers, *needs: str) -> str:
        return engine_dask._agree(workers, "tcp://10.0.0.5:8786", engine.collections_root(), needs)

    def test_the_same(self) -> None:
        assert self.agree(Workers(**self.ours), "torch") == engine_dask.code_digest()

    @pytest.mark.parametrize(
        ("theirs", "needs"),
        [
            ({"numpy": "0.1"}, ()),
            ({"numpy": "missing"}, ()),
            ({"torch": "0.1"}, ()),
            ({"torch": "missing"}, ("torch",)),
            ({"safetensors": "0.1"}, ("safetensors",)),
            ({"collection": "another"}, ()),
        ],
    )
    def test_another_is_refused(self, theirs: dict[str, str], needs: tuple[str, ...]) -> None:
        ((name, version),) = theirs.items()
        with pytest.raises(ForesightError, match=f"does not run the same versions: tcp://10.0.0.7:1 has {name} {version}, this controller"):
            self.agree(Workers(**{**self.ours, **theirs}), *needs)

    @pytest.mark.parametrize("theirs", [{"torch": "missing"}, {"safetensors": "0.1"}])
    def test_what_one_side_lacks_counts_only_where_it_is_needed(self, theirs: dict[str, str]) -> None:
        assert self.agree(Workers(**{**self.ours, **theirs}))

    def test_another_build_is_the_same_version(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("importlib.metadata.version", lambda name: f"{self.ours.get(name, '1')}+cpu")
        assert engine_dask._probe(["torch"])()["torch"] == "2.13.0"

    def test_a_worker_that_joined_in_the_middle_is_found_out(self) -> None:
        with pytest.raises(ForesightError, match=r"A worker that joined the dask cluster in the middle.*the controller another"):
            engine_dask._call(abs, -1, "another")
        assert engine_dask._call(abs, -1, engine_dask.code_digest()) == 1


def test_the_archive_is_importable_and_knows_its_digest(tmp_path: pathlib.Path) -> None:
    archive = tmp_path / "code.zip"
    files = {f"plugins/plugin_utils/{name}.py": (CODE / f"{name}.py").read_bytes() for name in ("engine_dask", "errors", "third_party")}
    archive.write_bytes(engine_dask.code_archive(files))
    name = "ansible_collections.foresight.capacity.plugins.plugin_utils"
    seen = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(archive)!r}); import {name}.engine_dask as m; print(m.__file__, m.code_digest())"],
        capture_output=True, text=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    path, digest = seen.stdout.split()
    assert path.startswith(str(archive))
    assert archive.read_bytes().endswith(digest.encode())
