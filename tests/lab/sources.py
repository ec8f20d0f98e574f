"""What a result of the lab was made from: the files that count, and one hash of the code in them.

Comments, docstrings and the documentation blocks of modules do not count: no volume ever notices them.
"""

from __future__ import annotations

import ast
import hashlib
import io
import tokenize
from collections.abc import Iterable
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
COLLECTION = "ansible_collections.foresight.capacity"
# The first word of an import, and where such modules lie.
_ROOTS = {COLLECTION: CHECKOUT, "lab": CHECKOUT / "tests" / "lab", "support": CHECKOUT / "tests" / "support"}
_DOCUMENTATION = {"DOCUMENTATION", "EXAMPLES", "RETURN"}
LV_RESIZE = CHECKOUT / "plugins" / "modules" / "lv_resize.py"


def lv_resize_sources() -> list[Path]:
    """The module lv_resize and all that it imports of the collection: what Ansible sends to the host."""
    return closure([LV_RESIZE])


def closure(start: Iterable[Path]) -> list[Path]:
    """These files and every file of ours that they import, directly or not."""
    found: set[Path] = set()
    waiting = [path.resolve() for path in start]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imported(path)
    return sorted(found)


def hash_of(paths: Iterable[Path]) -> str:
    """One hash of what these files do, the same on every machine and with every version of Python."""
    digest = hashlib.sha256()
    for path in sorted(set(paths)):
        content = code(path.read_text(encoding="utf-8")) if path.suffix == ".py" else path.read_text(encoding="utf-8")
        digest.update(f"{path.relative_to(CHECKOUT)}\n{len(content)}\n{content}\n".encode())
    return digest.hexdigest()[:24]


def code(text: str) -> str:
    """The text of a Python file without comments, documentation and empty lines."""
    lines = text.splitlines(keepends=True)
    for first, last in _documentation(ast.parse(text)):
        lines[first - 1 : last] = ["\n"] * (last - first + 1)
    for token in tokenize.generate_tokens(io.StringIO("".join(lines)).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column] + "\n"
    return "".join(f"{line.rstrip()}\n" for line in lines if line.strip())


def _documentation(tree: ast.Module) -> list[tuple[int, int]]:
    """First and last line of every docstring and documentation block."""
    found: list[ast.stmt] = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            found += [part for part in node.body if isinstance(part, ast.Expr) and _is_text(part.value)]
    found += [node for node in tree.body if isinstance(node, ast.Assign) and _is_text(node.value) and _names(node) & _DOCUMENTATION]
    return [(node.lineno, node.end_lineno or node.lineno) for node in found]


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _names(node: ast.Assign) -> set[str]:
    return {target.id for target in node.targets if isinstance(target, ast.Name)}


def _imported(path: Path) -> list[Path]:
    if path.suffix != ".py":
        return []
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update([node.module, *(f"{node.module}.{alias.name}" for alias in node.names)])
    return [found for name in names for found in _files(name)]


def _files(name: str) -> list[Path]:
    """The files that an import of this dotted name reads: every package on the way, and the module."""
    root = next((root for root in _ROOTS if name == root or name.startswith(f"{root}.")), None)
    if root is None:
        return []
    parts = name[len(root) :].strip(".").split(".") if name != root else []
    places = [_ROOTS[root].joinpath(*parts[:length]) for length in range(len(parts) + 1)]
    candidates = [place / "__init__.py" for place in places] + [place.with_suffix(".py") for place in places[1:]]
    return [path for path in candidates if path.is_file()]
