"""Stand-in for the get-pip script that ansible-test downloads: pip from ensurepip, then the packages asked for."""

from __future__ import annotations

import subprocess
import sys


def main() -> None:
    # In a process of its own: ensurepip drops the pip settings of its environment.
    subprocess.run([sys.executable, "-m", "ensurepip"], check=True)
    wanted = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
    subprocess.run([sys.executable, "-m", "pip", "install", *wanted], check=True)


if __name__ == "__main__":
    main()
