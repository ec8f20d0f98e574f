"""Property tests draw the same examples in every run; FORESIGHT_HYPOTHESIS=random looks for new ones."""

from __future__ import annotations

import os

try:
    from hypothesis import settings
except ImportError:  # the oldest target Python runs the plain tests without it
    pass
else:
    settings.register_profile("same", derandomize=True, database=None)
    settings.register_profile("random")
    settings.load_profile("random" if os.environ.get("FORESIGHT_HYPOTHESIS") == "random" else "same")
