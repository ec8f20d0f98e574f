"""Fetch other people's Proxmox clients, which the tests hold against the sandbox: the collection community.proxmox and prometheus-pve-exporter.

Both come from PyPI, pinned, once: the collection's files out of the wheel of the package `ansible` (the rest of it is thrown away), the exporter
into a venv of its own. Without PyPI they are left out, and their tests are skipped.
"""

from __future__ import annotations

import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
PINS = CHECKOUT / "tests" / "third-party-clients.txt"
HOME = CHECKOUT / ".cache" / "third-party-clients"
COLLECTIONS = HOME / "collections"
EXPORTER = HOME / "venv" / "bin" / "pve_exporter"
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "--retries", "2", "--timeout", "20")
_COLLECTION = "ansible_collections/community/proxmox/"
_UNREACHABLE = ("Retrying (Retry(", "Could not fetch URL")


class Unreachable(Exception):
    """No package index answers."""


def mark() -> pathlib.Path:
    """The file that says that what the pins name is there."""
    return HOME / f".done-{hashlib.sha256(PINS.read_bytes()).hexdigest()[:12]}"


def pins() -> tuple[list[str], list[str]]:
    """Requirements of the collection (one for each range of Python) and of the exporter."""
    lines = [line for line in PINS.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return [line for line in lines if line.startswith("ansible==")], [line for line in lines if not line.startswith("ansible==")]


def pip(python: pathlib.Path | None, *arguments: str) -> None:
    """Run pip, for another venv when it is named.

    :raises Unreachable: the package index does not answer
    """
    command = [*PIP, *(["--python", str(python)] if python is not None else []), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    unanswered = [line for line in done.stderr.splitlines() if any(sign in line for sign in _UNREACHABLE)]
    if done.returncode != 0 and unanswered:
        raise Unreachable(unanswered[-1])
    if done.returncode != 0:
        sys.exit(f"{done.stdout}{done.stderr}third-party clients: pip failed, its words stand above ({PINS.relative_to(CHECKOUT)}).")


def fetch_collection(requirements: list[str]) -> None:
    """Put the files of community.proxmox, as their own manifest lists them, into COLLECTIONS."""
    with tempfile.TemporaryDirectory() as folder:
        pip(None, "download", "--no-deps", "--dest", folder, *requirements)
        with zipfile.ZipFile(next(pathlib.Path(folder).glob("ansible-*.whl"))) as wheel:
            wheel.extractall(COLLECTIONS, [name for name in wheel.namelist() if name.startswith(_COLLECTION)])
    root = COLLECTIONS / _COLLECTION
    listed = json.loads((root / "FILES.json").read_text(encoding="utf-8"))["files"]
    for entry in listed:
        file = root / entry["name"]
        if file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() != entry["chksum_sha256"]:
            sys.exit(f"third-party clients: {entry['name']} of community.proxmox is not what its manifest says.")


def fetch_exporter(requirements: list[str]) -> None:
    venv = HOME / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    pip(venv / "bin" / "python", "install", *requirements)


def main() -> None:
    if mark().exists():
        return
    print("Fetching third-party Proxmox clients from PyPI (once) …", flush=True)
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    collection, exporter = pins()
    try:
        fetch_collection(collection)
        fetch_exporter(exporter)
    except Unreachable as error:
        print(f"third-party clients: skipped, no package index answers ({error}); their tests are skipped too.")
        return
    mark().touch()


if __name__ == "__main__":
    main()
