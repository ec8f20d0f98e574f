"""Write what is generated: the store's page (docs/store.md) and the plugin documentation as reStructuredText in build/docs."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
TARGET = CHECKOUT / "build" / "docs"


def main() -> None:
    binaries = pathlib.Path(sys.executable).parent
    subprocess.run([sys.executable, str(CHECKOUT / "tests" / "support" / "store_diagram.py")], cwd=CHECKOUT, check=True)
    shutil.rmtree(TARGET, ignore_errors=True)
    TARGET.mkdir(parents=True)
    TARGET.chmod(0o755)
    environment = {**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}"}
    command = [
        str(binaries / "antsibull-docs"),
        "collection",
        "--use-current",
        "--squash-hierarchy",
        "--dest-dir",
        str(TARGET),
        "foresight.capacity",
    ]
    subprocess.run(command, cwd="/", env=environment, check=True)
    print(f"docs: docs/store.md and {len(list(TARGET.rglob('*.rst')))} pages in {TARGET.relative_to(CHECKOUT)}")


if __name__ == "__main__":
    main()
