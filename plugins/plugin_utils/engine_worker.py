# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""First code of every local worker process of the engine, run by its path before any batch.

It makes the collection importable (in an Ansible process only Ansible's own loader knows it), lets the worker leave
when its parent is gone, however that ended, and says how much memory it may come to hold.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
import time

RUN_NAME = "foresight_worker"
_SECONDS_BETWEEN_LOOKS = 0.5
_MOST_GROWTH_BYTES = 1_000_000_000


def make_importable(root: str) -> None:
    """Let `import ansible_collections.foresight.capacity` find the copy under root (the folder that holds `ansible_collections`).

    A regular package `ansible_collections` (PyPI's `ansible` installs one) hides every other folder of that name,
    wherever it stands in sys.path: then only its `__path__` can be extended.
    """
    if root not in sys.path:
        sys.path.append(root)
    package = importlib.import_module("ansible_collections")
    folder = os.path.join(root, "ansible_collections")
    if folder not in list(package.__path__):
        package.__path__.insert(0, folder)


def leave_with(parent: int) -> None:
    """Start a thread that ends this process as soon as its parent is another one."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        os._exit(1)

    threading.Thread(target=watch, name="foresight-parent-watch", daemon=True).start()


def allow_growth(size: int) -> None:
    """Let loky replace this worker when it holds so many bytes more than after its first batch.

    Its own limit of 300 MB is reached by importing torch and statsforecast after a batch without them, and then both were
    imported for one batch only. Where another loky keeps the limit elsewhere, its own stays: that costs time, not results.
    """
    executor = sys.modules.get("joblib.externals.loky.process_executor")
    if executor is not None:
        executor._MAX_MEMORY_LEAK_SIZE = size  # type: ignore[attr-defined]


if __name__ == RUN_NAME:
    leave_with(globals()["PARENT"])
    make_importable(globals()["ROOT"])
    allow_growth(_MOST_GROWTH_BYTES)
