# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine's way to a dask.distributed cluster: the same code and versions on both sides, then the batches."""

from __future__ import annotations

import collections
import contextlib
import functools
import hashlib
import io
import itertools
import os
import platform
import tempfile
import typing as t
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import ForesightError
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import distributed

_COLLECTION = ("ansible_collections", "foresight", "capacity")
_CODE = ("plugins/plugin_utils", "plugins/module_utils")
_PACKAGES = ("numpy", "statsforecast", "distributed")
# Compared only where both sides have them, unless the caller needs them: forecasts with classical methods do without.
_OPTIONAL_PACKAGES = ("torch", "safetensors")
_CONNECT_SECONDS = 15
# How often somebody looks whether the cluster still has workers, and how many looks without any are too many.
_LOOK_SECONDS, _DESERTED_LOOKS = 10, 12
# Of three batches a thread, one runs, one is on its way, and one may wait for a slower neighbour whose result comes first.
BATCHES_IN_FLIGHT = 3


def run_each(
    function: Callable[[t.Any], t.Any], batches: Iterable[t.Any], *, address: str, root: str, needs: Sequence[str] = ()
) -> Iterator[t.Any]:
    """Yield function(batch) for every batch, in their order, computed by the workers of the scheduler at address.

    No more than BATCHES_IN_FLIGHT batches for each thread of the workers are on their way. A batch whose worker dies goes to another one.

    :param root: folder that holds `ansible_collections`; its code is uploaded to workers that do not have the collection.
    :param needs: pip names of packages that must have our version on every worker, beside the ones that always must.
    :raises ForesightError: no scheduler, no worker, another version on a worker, a batch that kept killing workers, or a scheduler
        or all workers gone in the middle.
    """
    rest = iter(batches)
    first = list(itertools.islice(rest, 1))
    if not first:
        return
    with _client(address) as client:
        code = _agree(client, address, root, needs)
        places = BATCHES_IN_FLIGHT * sum(client.nthreads().values())
        flying: collections.deque[t.Any] = collections.deque()
        try:
            for batch in itertools.chain(first, rest):
                with _told(address):
                    flying.append(client.submit(_call, function, batch, code, pure=False))
                while flying and (len(flying) >= places or flying[0].done()):
                    yield _result(client, flying.popleft(), address)
            while flying:
                yield _result(client, flying.popleft(), address)
        finally:
            if client.status == "running":
                client.cancel(list(flying))


def _call(function: Callable[[t.Any], t.Any], batch: t.Any, code: str) -> t.Any:
    """Return function(batch), on a worker. One that joined after the versions were compared is found out here."""
    if code_digest() != code:
        raise ForesightError(
            f"A worker that joined the dask cluster in the middle, on {platform.node()}, has the collection's code {code_digest()}, "
            f"the controller {code}. Install the same on every worker and restart them."
        )
    return function(batch)


def _result(client: t.Any, future: t.Any, address: str) -> t.Any:
    """Return the result of future, or raise what its batch raised; waiting ends where the cluster has had no worker for a while."""
    deserted = 0
    while True:
        with _told(address):
            try:
                error = future.exception(timeout=_LOOK_SECONDS)
                break
            except TimeoutError:
                deserted = 0 if client.nthreads() else deserted + 1
        if deserted >= _DESERTED_LOOKS:
            raise ForesightError(
                f"All workers of the dask cluster at {address} went away in the middle, and none came back within "
                f"{_DESERTED_LOOKS * _LOOK_SECONDS} s. Start workers with: dask worker {address}"
            )
    with _told(address):
        if future.status != "error":
            return future.result()
    if isinstance(error, distributed.KilledWorker):
        raise ForesightError(
            f"Workers of the dask cluster at {address} died several times over one batch, probably for want of memory: {error}. "
            "Give the workers more memory."
        ) from error
    raise error


@contextlib.contextmanager
def _told(address: str) -> Iterator[None]:
    """Tell what a lost scheduler means; only the cluster's own errors pass here, never those of a batch."""
    try:
        yield
    except (distributed.CancelledError, distributed.client.ClosedClientError, OSError) as error:
        raise ForesightError(
            f"The dask scheduler at {address} went away in the middle ({error}); what was not yet returned is lost. "
            "Look at its log, start it again, and repeat the run."
        ) from error


@contextlib.contextmanager
def _client(address: str) -> Iterator[t.Any]:
    try:
        client = distributed.Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise ForesightError(f"No dask scheduler answers at {address} within {_CONNECT_SECONDS} s: {error} (O(dask_address)).") from error
    try:
        yield client
    finally:
        client.close()


def _agree(client: t.Any, address: str, root: str, needs: Sequence[str] = ()) -> str:
    """Upload the code where the collection is missing, then compare code, Python and packages of every worker with ours.

    Returns the digest of the code.
    """
    files = _files(os.path.join(root, *_COLLECTION))
    packages = tuple(dict.fromkeys((*_PACKAGES, *_OPTIONAL_PACKAGES, *needs)))
    ours = _versions(files, packages)
    seen: dict[str, dict[str, str]] = client.run(_probe(packages))
    if not seen:
        raise ForesightError(f"The dask scheduler at {address} has no worker; start one with: dask worker {address}")
    if any(versions["collection"] == "missing" for versions in seen.values()):
        with tempfile.TemporaryDirectory(prefix="foresight-") as folder:
            path = os.path.join(folder, f"foresight_capacity_{ours['collection']}.zip")
            with open(path, "wb") as stream:
                stream.write(code_archive(files))
            client.upload_file(path)
        seen = client.run(_probe(packages))
    differences = sorted(
        f"{worker} has {name} {versions[name]}, this controller {ours[name]}"
        for worker, versions in seen.items()
        for name in ours
        if versions[name] != ours[name]
        and not (name in _OPTIONAL_PACKAGES and name not in needs and "missing" in (versions[name], ours[name]))
    )
    if differences:
        raise ForesightError(
            f"The dask cluster at {address} does not run the same versions: {'; '.join(differences[:6])}. "
            "Install the same on every worker (the collection's code may be absent there: it is then uploaded), and restart the workers."
        )
    return ours["collection"]


def _probe(packages: Sequence[str]) -> Callable[[], dict[str, str]]:
    """Return a function that travels by value, for the workers may not have this module yet."""

    def versions() -> dict[str, str]:
        import importlib
        import importlib.metadata
        import platform

        found = {"python": ".".join(platform.python_version_tuple()[:2]), "collection": "missing"}
        for name in packages:
            try:
                # The part after + tells a build (torch's for a CPU or a GPU), not other code.
                found[name] = importlib.metadata.version(name).partition("+")[0]
            except importlib.metadata.PackageNotFoundError:
                found[name] = "missing"
        try:
            module = importlib.import_module("ansible_collections.foresight.capacity.plugins.plugin_utils.engine_dask")
        except ModuleNotFoundError:
            return found
        found["collection"] = module.code_digest()
        return found

    return versions


def _versions(files: dict[str, bytes], packages: Sequence[str]) -> dict[str, str]:
    return {**_probe(packages)(), "collection": _digest(files)}


@functools.cache
def code_digest() -> str:
    """Return a short digest of the collection's controller code, the same for an installed and an uploaded copy."""
    archive = getattr(globals().get("__loader__"), "archive", None)
    if archive is not None:
        with zipfile.ZipFile(archive) as uploaded:
            return uploaded.comment.decode()
    return _digest(_files(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))))


def code_archive(files: dict[str, bytes]) -> bytes:
    """Return a zip of the controller code that Python can import, with every level a regular package; its comment is the digest."""
    prefix = "/".join(_COLLECTION)
    packages = {"/".join(_COLLECTION[:depth]) for depth in range(1, 4)} | {f"{prefix}/plugins"}
    packages |= {f"{prefix}/{os.path.dirname(name)}" for name in files}
    members = {f"{prefix}/{name}": content for name, content in files.items()}
    members.update({f"{package}/__init__.py": b"" for package in packages if f"{package}/__init__.py" not in members})
    return _zipped(members, comment=_digest(files))


def _digest(files: dict[str, bytes]) -> str:
    return hashlib.sha256(_zipped(files)).hexdigest()[:12]


@functools.cache
def _files(base: str) -> dict[str, bytes]:
    """Return the files of the controller code by their path below base; read once, for this process runs what it has imported."""
    found = {}
    for folder in _CODE:
        for directory, _names, names in os.walk(os.path.join(base, folder)):
            for name in names:
                if name.endswith((".py", ".json")):
                    path = os.path.join(directory, name)
                    with open(path, "rb") as stream:
                        found[os.path.relpath(path, base).replace(os.sep, "/")] = stream.read()
    return found


def _zipped(files: dict[str, bytes], comment: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), files[name])
        archive.comment = comment.encode()
    return buffer.getvalue()
