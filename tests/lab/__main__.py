"""``python tests/lab VERB``: the VM lab on the command line."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.cli import main

sys.exit(main())
