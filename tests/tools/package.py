"""Build the collection's tarball, install it into an empty directory and use it from there, as somebody who downloaded it would."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
UNWANTED = (".venv", ".cache", ".git", "build", "inventories/lab", "collections", "report")


def run(*command: str, cwd: pathlib.Path, **environment: str) -> str:
    answer = subprocess.run(command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        sys.exit(f"package: {' '.join(command)} ended with {answer.returncode}\n{answer.stdout}{answer.stderr}")
    return answer.stdout


def main() -> None:
    binaries = pathlib.Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        run(str(binaries / "ansible-galaxy"), "collection", "build", "--output-path", name, cwd=CHECKOUT)
        tarball = next(folder.glob("foresight-capacity-*.tar.gz"))
        with tarfile.open(tarball) as archive:
            members = archive.getnames()
        bad = [member for member in members if member.startswith(tuple(f"{prefix}/" for prefix in UNWANTED))]
        if bad:
            sys.exit(f"package: the tarball contains {bad[:5]}; see build_ignore in galaxy.yml")
        run(
            str(binaries / "ansible-galaxy"),
            "collection",
            "install",
            "--offline",
            "--no-deps",
            "--force",
            "-p",
            name,
            str(tarball),
            cwd=folder,
        )
        # A Python without this checkout's link: only the installed copy can answer.
        environment = {"ANSIBLE_COLLECTIONS_PATH": name, "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false"}
        for kind, plugin in (("module", "lvm_facts"), ("filter", "lv_allocate"), ("lookup", "forecast"), ("role", "volumes")):
            shown = run(str(binaries / "ansible-doc"), "-t", kind, f"foresight.capacity.{plugin}", cwd=folder, **environment)
            if plugin not in shown:
                sys.exit(f"package: ansible-doc of the installed {kind} {plugin} says: {shown[:200]}")
        answer = run(
            str(binaries / "ansible"), "here", "-i", "here,", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}",
            "-m", "foresight.capacity.lvm_facts", cwd=folder, **environment,
        )  # fmt: skip
        if '"available"' not in answer:
            sys.exit(f"package: lvm_facts of the installed collection says: {answer[:300]}")
        print(f"package: {tarball.name} ({len(members)} members, {tarball.stat().st_size // 1024} KiB) builds, installs and runs.")


if __name__ == "__main__":
    main()
