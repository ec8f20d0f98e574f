# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A controller with a busy pool, as a program of its own that a test can kill: prints the workers' pids, then waits for ever."""

from __future__ import annotations

import signal
import sys

from ansible_collections.foresight.capacity.plugins.plugin_utils import engine

PROGRAM = """
import os, sys, threading
sys.path.insert(0, {folder!r})
with open(os.path.join({folder!r}, str(os.getpid()) + ".pid"), "w"):
    pass
threading.Event().wait()
"""


if __name__ == "__main__":
    # A shell's background jobs ignore Ctrl-C, and so would what they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    folder = sys.argv[1]
    engine.run(exec, [PROGRAM.format(folder=folder)] * 2, engine=engine.Engine(workers=2))
