"""Where tests find what they share (tests/support), and the same examples of property tests in every run; FORESIGHT_HYPOTHESIS=random looks for new ones."""

from __future__ import annotations

import importlib
import importlib.util
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

try:
    from hypothesis import settings
except ImportError:  # the oldest target Python runs the plain tests without it
    pass
else:
    settings.register_profile("same", derandomize=True, database=None)
    settings.register_profile("random")
    settings.load_profile("random" if os.environ.get("FORESIGHT_HYPOTHESIS") == "random" else "same")

# ansible-core replaces sys.intern in its process, and torch cannot be loaded after that. In production it is loaded in workers of the engine only.
if importlib.util.find_spec("torch"):
    importlib.import_module("torch._dynamo")
