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
import os
import platform
import tempfile
import typing as t
import zipfile
from collections.abc import Callable, Iterator, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import ForesightError
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import distributed

_COLLECTION = ("ansible_collections", "foresight", "capacity")
_CODE = ("plugins/plugin_utils", "plugins/module_utils")
_PACKAGES = ("numpy", "statsforecast", "distributed")
_CONNECT_SECONDS = 15


def run(function: Callable[[t.Any], t.Any], batches: Sequence[t.Any], *, address: str, root: str) -> Iterator[t.Any]:
    """Yield function(batch) for every batch, computed by the workers of the scheduler at address, in their order.

    :param root: folder that holds `ansible_collections`; its code is uploaded to workers that do not have the collection.
    :raises ForesightError: no scheduler, no worker, another version on a worker, or a batch that kept killing workers.
    """
    with _client(address) as client:
        _agree(client, address, root)
        futures = collections.deque(client.map(function, batches, pure=False))
        try:
            while futures:
                yield futures.popleft().result()
        except distributed.KilledWorker as error:
            raise ForesightError(
                f"Workers of the dask cluster at {address} died several times over one batch, probably for want of memory: {error}. "
                "Give the workers more memory."
            ) from error
        finally:
            client.cancel(list(futures))


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


def _agree(client: t.Any, address: str, root: str) -> None:
    """Upload the code where the collection is missing, then compare code, Python and packages of every worker with ours."""
    files = _files(os.path.join(root, *_COLLECTION))
    ours = _versions(files)
    seen: dict[str, dict[str, str]] = client.run(_probe())
    if not seen:
        raise ForesightError(f"The dask scheduler at {address} has no worker; start one with: dask worker {address}")
    if any(versions["collection"] == "missing" for versions in seen.values()):
        with tempfile.TemporaryDirectory(prefix="foresight-") as folder:
            path = os.path.join(folder, f"foresight_capacity_{ours['collection']}.zip")
            with open(path, "wb") as stream:
                stream.write(code_archive(files))
            client.upload_file(path)
        seen = client.run(_probe())
    differences = sorted(
        f"{worker} has {name} {versions[name]}, this controller {ours[name]}"
        for worker, versions in seen.items()
        for name in ours
        if versions[name] != ours[name]
    )
    if differences:
        raise ForesightError(
            f"The dask cluster at {address} does not run the same versions: {'; '.join(differences[:6])}. "
            "Install the same on every worker (the collection's code may be absent there: it is then uploaded), and restart the workers."
        )


def _probe() -> Callable[[], dict[str, str]]:
    """Return a function that travels by value, for the workers may not have this module yet."""
    packages = _PACKAGES

    def versions() -> dict[str, str]:
        import importlib
        import importlib.metadata
        import platform

        found = {"python": ".".join(platform.python_version_tuple()[:2]), "collection": "missing"}
        for name in packages:
            try:
                found[name] = importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                found[name] = "missing"
        try:
            module = importlib.import_module("ansible_collections.foresight.capacity.plugins.plugin_utils.engine_dask")
        except ModuleNotFoundError:
            return found
        found["collection"] = module.code_digest()
        return found

    return versions


def _versions(files: dict[str, bytes]) -> dict[str, str]:
    found = _probe()()
    return {**found, "python": ".".join(platform.python_version_tuple()[:2]), "collection": _digest(files)}


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
