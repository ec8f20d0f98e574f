"""Run the target-side code on every Python that targets have: 3.8 to 3.13, as far as they are installed.

Each interpreter compiles all of modules and module_utils and then runs the tests of module_utils that need nothing but
the standard library and pytest, where it can import pytest; the oldest one gets a venv of its own for that.
"""

from __future__ import annotations

import concurrent.futures
import glob
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
VERSIONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
TESTED = ("3.8", "3.13")
PACKAGES = ("pytest<9", "hypothesis")
SOURCES = ("plugins/modules", "plugins/module_utils")
TESTS = ("tests/unit/plugins/module_utils", "tests/unit/plugins/modules")


def interpreter(version: str) -> str | None:
    """Return a working interpreter of this version: from PATH, from pyenv, or None."""
    candidates = [shutil.which(f"python{version}") or ""]
    candidates += sorted(glob.glob(os.path.expanduser(f"~/.pyenv/versions/{version}.*/bin/python{version}")))
    for candidate in candidates:
        if candidate and _says(candidate) == version:
            return candidate
    return None


def _says(python: str) -> str:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=False).stdout.strip()


def compile_sources(python: str) -> None:
    code = (
        "import ast, pathlib, sys\n"
        "for folder in sys.argv[1:]:\n"
        "    for path in sorted(pathlib.Path(folder).rglob('*.py')):\n"
        "        compile(path.read_text(encoding='utf-8'), str(path), 'exec')\n"
    )
    subprocess.run([python, "-c", code, *SOURCES], cwd=CHECKOUT, check=True)


def venv_with_pytest(python: str, version: str) -> pathlib.Path:
    """Return a venv with pytest for this interpreter and the collection linked into it; it is made once."""
    mark = hashlib.sha256(" ".join(PACKAGES).encode()).hexdigest()[:12]
    venv = CHECKOUT / ".cache" / f"target-{version}"
    done = venv / f".done-{mark}"
    if not done.exists():
        shutil.rmtree(venv, ignore_errors=True)
        subprocess.run([python, "-m", "venv", str(venv)], check=True)
        # ansible.module_utils is what a module gets on the target; without its controller dependencies.
        core = "ansible-core==2.13.13" if version == "3.8" else "ansible-core"
        subprocess.run([str(venv / "bin/pip"), "install", "-q", "--disable-pip-version-check", *PACKAGES], check=True)
        subprocess.run([str(venv / "bin/pip"), "install", "-q", "--disable-pip-version-check", "--no-deps", core], check=True)
        site = next((venv / "lib").glob("python*/site-packages"))
        link = site / "ansible_collections" / "foresight"
        link.mkdir(parents=True)
        (link / "capacity").symlink_to(CHECKOUT)
        done.touch()
    return venv


def link(folder: pathlib.Path) -> None:
    """Make links to all working interpreters in a folder for PATH."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for version in VERSIONS:
        python = interpreter(version)
        if python is not None:
            real = subprocess.run(
                [python, "-c", "import sys; print(sys.executable)"], capture_output=True, text=True, check=True
            ).stdout.strip()
            (folder / f"python{version}").symlink_to(real)


def run_tests(version: str, python: str) -> subprocess.CompletedProcess[str]:
    """Run the tests of the target-side code in a venv of this interpreter."""
    options = ("-q", "--import-mode=importlib", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", str(CHECKOUT))
    command = [str(venv_with_pytest(python, version) / "bin/python"), "-m", "pytest", *options, *TESTS]
    return subprocess.run(command, cwd=CHECKOUT, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def main() -> int:
    if sys.argv[1:2] == ["--link"]:
        link(pathlib.Path(sys.argv[2]))
        return 0
    found = {version: interpreter(version) for version in VERSIONS}
    for version, python in found.items():
        if python is None:
            print(f"target code on Python {version}: skipped, no such interpreter here (PATH, ~/.pyenv/versions)")
            continue
        compile_sources(python)
        if version not in TESTED:
            print(f"target code on Python {version}: compiles")
    tested = [(version, python) for version, python in found.items() if python is not None and version in TESTED]
    # beside each other: the tests of one version use one core
    with concurrent.futures.ThreadPoolExecutor(len(TESTED)) as pool:
        answers = list(pool.map(lambda one: run_tests(*one), tested))
    for (version, _python), answer in zip(tested, answers, strict=True):
        print(f"{answer.stdout}target code on Python {version}: tests {'passed' if answer.returncode == 0 else 'FAILED'}")
    return int(any(answer.returncode != 0 for answer in answers))


if __name__ == "__main__":
    sys.exit(main())
