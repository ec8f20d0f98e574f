"""Copy the checkout to .cache/stage/ansible_collections/foresight/capacity, where ansible-test wants to find a collection.

ansible-test resolves links and refuses any other path. Only what git tracks or would track is copied; the copy is
updated in place, so that tools which look at modification times stay fast.
"""

from __future__ import annotations

import filecmp
import pathlib
import shutil
import subprocess

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
STAGE = CHECKOUT / ".cache" / "stage" / "ansible_collections" / "foresight" / "capacity"


def main() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=CHECKOUT, check=True, capture_output=True
    ).stdout.decode()
    wanted = {name for name in listed.split("\0") if name and (CHECKOUT / name).is_file()}
    STAGE.mkdir(parents=True, exist_ok=True)
    for path in STAGE.rglob("*"):
        name = str(path.relative_to(STAGE))
        if path.is_file() and name not in wanted and not name.startswith((".git/", "tests/output/", ".ansible/")):
            path.unlink()
    for name in wanted:
        source, target = CHECKOUT / name, STAGE / name
        if not target.exists() or not filecmp.cmp(source, target, shallow=False):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    if not (STAGE / ".git").exists():
        subprocess.run(["git", "init", "--quiet", str(STAGE)], check=True)
    print(f"stage: {len(wanted)} files in {STAGE.relative_to(CHECKOUT)}")


if __name__ == "__main__":
    main()
