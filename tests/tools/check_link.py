"""Link the collection into the venv and check that ansible resolves foresight.capacity to this checkout."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import sysconfig

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]


def link() -> pathlib.Path:
    """Make SITE-PACKAGES/ansible_collections/foresight/capacity point to the checkout; return the link."""
    target = pathlib.Path(sysconfig.get_path("purelib")) / "ansible_collections" / "foresight" / "capacity"
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_symlink() or target.exists():
        if target.is_symlink() and target.resolve() == CHECKOUT:
            return target
        if not target.is_symlink():
            sys.exit(f"{target} is no link: a copy of the collection is installed there. Remove it and run `make setup` again.")
        target.unlink()
    target.symlink_to(CHECKOUT)
    return target


def resolved() -> pathlib.Path:
    """Return the file in which ansible-doc finds foresight.capacity.lvm_facts when it is called from elsewhere."""
    code = (
        "import ansible.plugins.loader as l; l.init_plugin_loader();"
        "c = l.module_loader.find_plugin_with_context('foresight.capacity.lvm_facts'); print(c.plugin_resolved_path or '')"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd="/", env=os.environ, capture_output=True, text=True, check=True)
    return pathlib.Path(answer.stdout.strip() or "/nowhere")


def main() -> None:
    link()
    found = resolved()
    if CHECKOUT not in found.resolve().parents:
        sys.exit(
            f"foresight.capacity resolves to {found}, not to this checkout ({CHECKOUT}).\n"
            "Something shadows it: remove that copy, or unset ANSIBLE_COLLECTIONS_PATH."
        )
    print(f"foresight.capacity is linked into {sys.prefix}; try: {sys.prefix}/bin/ansible-doc foresight.capacity.lvm_facts")


if __name__ == "__main__":
    main()
