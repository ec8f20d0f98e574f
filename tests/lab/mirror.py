"""Which Debian archive the image is built from: the one this machine's apt is configured with."""

from __future__ import annotations

import os
import shutil
import subprocess

from lab.errors import LabUnavailable

OVERRIDE = "FORESIGHT_LAB_MIRROR"


def find(suite: str) -> str:
    """URL of a Debian archive that carries ``suite``/main.

    Raises LabUnavailable where apt knows none (another distribution) and the environment names none.
    """
    named = os.environ.get(OVERRIDE)
    if named:
        return named
    if shutil.which("apt-get"):
        listing = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(ORIGIN)|$(CODENAME)|$(COMPONENT)|$(REPO_URI)", "Created-By: Packages"],
            check=True,
            capture_output=True,
            text=True,
        )
        for line in sorted(set(listing.stdout.splitlines())):
            origin, codename, component, url = line.split("|", 3)
            if (origin, codename, component) == ("Debian", suite, "main"):
                return url
    raise LabUnavailable(
        f"This machine's apt has no Debian archive with {suite}/main. Run apt-get update if it should have one, "
        f"or name an archive: {OVERRIDE}=URL (the directory that holds dists/ and pool/)."
    )
