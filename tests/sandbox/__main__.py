"""``python tests/sandbox serve|ctl``: an imitation of a Proxmox VE cluster."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from sandbox.cli import main

sys.exit(main())
