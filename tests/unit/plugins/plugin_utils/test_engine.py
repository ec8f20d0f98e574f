# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import collections.abc
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import typing as t

import numpy as np
import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils import engine, engine_dask
from ansible_collections.foresight.capacity.plugins.plugin_utils.engine import Engine, make_engine
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import ForesightError, InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import forecast_panel
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import MissingPackage

HERE = pathlib.Path(__file__).parent
CODE = pathlib.Path(engine.__file__).parent
WAIT_SECONDS = 120


def until(condition: t.Callable[[], t.Any], process: subprocess.Popen[t.Any] | None = None) -> t.Any:
    """Return the first true answer of condition, asked every 50 ms."""
    waiting = __import__("threading").Event()
    for _attempt in range(WAIT_SECONDS * 20):
        answer = condition()
        if answer:
            return answer
        if process is not None and process.poll() is not None:
            pytest.fail(f"{process.args} ended with {process.returncode}")
        waiting.wait(0.05)
    return pytest.fail(f"nothing after {WAIT_SECONDS} s")


def alive(pid: int) -> bool:
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


class TestLocal:
    def test_results_in_order(self) -> None:
        assert engine.run(abs, [-3, -1, -2], engine=Engine(workers=2)) == [3, 1, 2]

    def test_light_work_stays_here(self) -> None:
        assert engine.run(eval, ["__import__('os').getpid()"], light=True) == [os.getpid()]
        assert engine.run(eval, ["__import__('os').getpid()"]) != [os.getpid()]

    @pytest.mark.parametrize("light", [False, True])
    def test_each_result_is_handed_on_in_order_and_none_is_kept(self, light: bool) -> None:
        seen: list[tuple[int, int]] = []
        kept = engine.run(abs, [-3, -1, -2], engine=Engine(workers=2), light=light, each=lambda place, result: seen.append((place, result)))
        assert (kept, seen) == ([], [(0, 3), (1, 1), (2, 2)])

    def test_what_came_before_a_batch_that_fails_was_handed_on(self) -> None:
        seen: list[int] = []
        with pytest.raises(ValueError, match="invalid literal"):
            engine.run(int, ["1", "seven", "3"], engine=Engine(workers=1), each=lambda _place, result: seen.append(result))
        assert seen == [1]

    def test_workers_end_when_a_result_is_refused(self) -> None:
        pids: list[int] = []

        def refuse(_place: int, pid: int) -> None:
            pids.append(pid)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            engine.run(eval, ["__import__('os').getpid()"] * 3, engine=Engine(workers=1), each=refuse)
        assert not alive(pids[0])

    def test_nothing_to_do(self) -> None:
        assert engine.run(abs, []) == []

    def test_threads_are_limited_in_the_workers(self) -> None:
        assert engine.run(os.getenv, ["OMP_NUM_THREADS"], engine=Engine(workers=1)) == [str(engine.worker_count())]

    def test_errors_come_back(self) -> None:
        with pytest.raises(ValueError, match="invalid literal"):
            engine.run(int, ["seven"])

    def test_missing_package_comes_back_whole(self) -> None:
        error = MissingPackage("statsforecast.models", "statsforecast", "requirements-ml.txt")

        def raising(what: Exception) -> None:
            raise what

        with pytest.raises(MissingPackage, match="pip install 'statsforecast'"):
            engine.run(raising, [error])

    def test_dead_worker_is_told(self) -> None:
        with pytest.raises(ForesightError, match=r"A worker process of the local engine died.*O\(workers\)"):
            engine.run(eval, ["__import__('os').kill(__import__('os').getpid(), 9)"], engine=Engine(workers=1))

    @pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
    def test_workers_leave_when_the_parent_is_killed(self, tmp_path: pathlib.Path, sent: signal.Signals) -> None:
        with subprocess.Popen([sys.executable, str(HERE / "engine_functions.py"), str(tmp_path)], stderr=subprocess.DEVNULL) as parent:
            until(lambda: len(list(tmp_path.glob("*.pid"))) == 2, parent)
            workers = [int(path.stem) for path in tmp_path.glob("*.pid")]
            assert all(alive(pid) for pid in workers)
            parent.send_signal(sent)
            try:
                parent.wait(WAIT_SECONDS)
            finally:
                parent.kill()
        until(lambda: not any(alive(pid) for pid in workers))


@pytest.fixture(scope="class")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> collections.abc.Iterator[str]:
    """A scheduler and a worker as processes of their own, which do not have the collection; gives the address."""
    folder = tmp_path_factory.mktemp("dask")
    python = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    file = folder / "scheduler.json"
    site = [path for path in sys.path if "site-packages" in path]
    environment = {**os.environ, "DASK_DISTRIBUTED__SCHEDULER__DASHBOARD__STATUS__TASK_STREAM_LENGTH": "10"}
    with contextlib.ExitStack() as stack:
        scheduler = _started(
            stack, [*python, "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)], folder, environment
        )
        until(file.exists, scheduler)
        # -S leaves out site-packages: the worker gets it by path, with the collection hidden.
        hidden = folder / "hidden" / "ansible_collections"
        hidden.mkdir(parents=True)
        (hidden / "__init__.py").touch()
        without = {**environment, "PYTHONPATH": os.pathsep.join([str(hidden.parent), *site])}
        worker = [
            sys.executable,
            "-m",
            "distributed.cli.dask_worker",
            "--scheduler-file",
            str(file),
            "--no-dashboard",
            "--nworkers",
            "1",
            "--nthreads",
            "1",
        ]
        _started(stack, [*worker, "--no-nanny", "--local-directory", str(folder)], folder, without)
        yield __import__("json").loads(file.read_text())["address"]


def _started(stack: contextlib.ExitStack, command: list[str], folder: pathlib.Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    log = stack.enter_context((folder / "log").open("ab"))
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    stack.callback(process.wait, WAIT_SECONDS)
    stack.callback(process.terminate)
    return process


class TestDask:
    def test_the_same_forecasts_as_local_with_uploaded_code(self, cluster: str) -> None:
        random = np.random.default_rng(1)
        histories = [np.cumsum(random.exponential(1.0, 60)) for _series in range(4)] + [random.normal(size=60)]
        for model in ("auto", "theta"):
            local, remote = (
                forecast_panel(histories, step_seconds=600, horizon=6, model=model, limits=[70.0] * 5, engine=where)
                for where in (Engine(workers=1), Engine("dask", address=cluster))
            )
            for name in ("quantiles", "peak", "runway", "reach_probability"):
                np.testing.assert_array_equal(getattr(local, name), getattr(remote, name))
            assert local.models == remote.models

    def test_each_result_is_handed_on_in_order(self, cluster: str) -> None:
        seen: list[tuple[int, int]] = []
        where = Engine("dask", address=cluster)
        assert engine.run(abs, [-3, -1, -2], engine=where, each=lambda place, result: seen.append((place, result))) == []
        assert seen == [(0, 3), (1, 1), (2, 2)]

    def test_other_versions_are_refused(self, cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(engine_dask, "_versions", lambda _files: {"python": "3.99", "collection": "another", "numpy": "0.1"})
        with pytest.raises(ForesightError, match=r"does not run the same versions: .*has numpy .*this controller 0\.1"):
            engine.run(abs, [1], engine=Engine("dask", address=cluster))


def test_no_scheduler_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_dask, "_CONNECT_SECONDS", 1)
    with pytest.raises(ForesightError, match=r"No dask scheduler answers at tcp://127\.0\.0\.1:1 .*O\(dask_address\)"):
        engine.run(abs, [1], engine=Engine("dask", address="tcp://127.0.0.1:1"))


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
