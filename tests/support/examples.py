"""What is wrong with tasks of documentation, against what ansible-doc tells of the plugins that they use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jinja2
from jinja2 import nodes

OURS = "foresight.capacity."
_LOOKUPS = ("lookup", "query", "q")
# Keywords of a task whose text is an expression without braces.
_EXPRESSIONS = ("when", "that", "until", "changed_when", "failed_when")
# Only parses; nothing is rendered.
_JINJA = jinja2.Environment(autoescape=False)


class Tasks:
    """Looks through tasks.

    :param known: what ``ansible-doc --metadata-dump`` tells, by kind of plugin and name.
    """

    def __init__(self, known: Mapping[str, Mapping[str, Any]]) -> None:
        self._known = known

    def wrong(self, tasks: Any) -> list[str]:
        """What uses something that is not there, or lacks something that is needed."""
        return [problem for task in tasks for problem in self._task(task)]

    def _task(self, task: Mapping[str, Any]) -> Iterator[str]:
        modules = [key for key in task if key not in self._known["keyword"]]
        if len(modules) != 1 or not (modules[0].startswith(("ansible.builtin.", OURS))):
            yield f"{task.get('name')}: {modules} is no module by its full name"
        for name in modules:
            if name.startswith(OURS):
                yield from self._call("module", name, task[name] or {})
        yield from self._texts(task, task.get("vars") or {}, expression=False)

    def _call(self, kind: str, name: str, given: Mapping[str, Any]) -> Iterator[str]:
        if name not in self._known[kind]:
            yield f"There is no {kind} {name}"
        else:
            yield from unfit(given, self._known[kind][name]["doc"].get("options", {}), name)

    def _texts(self, value: Any, variables: Mapping[str, Any], *, expression: bool) -> Iterator[str]:
        if isinstance(value, Mapping):
            for key, inner in value.items():
                yield from self._texts(inner, variables, expression=key in _EXPRESSIONS)
        elif isinstance(value, list):
            for inner in value:
                yield from self._texts(inner, variables, expression=expression)
        elif isinstance(value, str):
            tree = _JINJA.parse("{{ " + value + " }}" if expression else value)
            for call in tree.find_all(nodes.Call):
                yield from self._lookup(call, variables)
            for applied in tree.find_all(nodes.Filter):
                yield from self._filter(applied, variables)

    def _lookup(self, call: nodes.Call, variables: Mapping[str, Any]) -> Iterator[str]:
        if not (isinstance(call.node, nodes.Name) and call.node.name in _LOOKUPS and call.args):
            return
        name = literal(call.args[0], variables)
        if isinstance(name, str) and name.startswith(OURS):
            given = {keyword.key: literal(keyword.value, variables) for keyword in call.kwargs}
            if len(call.args) > 1:
                given["_terms"] = [literal(one, variables) for one in call.args[1:]]
            yield from self._call("lookup", name, given)

    def _filter(self, applied: nodes.Filter, variables: Mapping[str, Any]) -> Iterator[str]:
        if not applied.name.startswith(OURS):
            return
        told = self._known["filter"].get(applied.name)
        names = (
            told["doc"]["positional"].split(", ") if told else ["_input", *(f"_{number}" for number, _unused in enumerate(applied.args))]
        )
        values = [applied.node, *applied.args]
        if len(values) > len(names):
            yield f"{applied.name} takes {len(names)} values, given are {len(values)}"
        yield from self._call("filter", applied.name, {name: literal(value, variables) for name, value in zip(names, values, strict=False)})


UNTOLD = object()
"""The value of what only a run knows."""


def literal(node: Any, variables: Mapping[str, Any]) -> Any:
    """The value of an expression as far as the text tells it."""
    if isinstance(node, nodes.Name):
        return _plain(variables.get(node.name, UNTOLD))
    if isinstance(node, nodes.Dict):
        return {literal(pair.key, variables): literal(pair.value, variables) for pair in node.items}
    if isinstance(node, nodes.List):
        return [literal(item, variables) for item in node.items]
    return node.value if isinstance(node, nodes.Const) else UNTOLD


def _plain(value: Any) -> Any:
    return UNTOLD if isinstance(value, str) and "{{" in value else value


def unfit(given: Mapping[str, Any], options: Mapping[str, Any], path: str) -> Iterator[str]:
    """Values that do not fit the documented options."""
    for key, value in given.items():
        if key not in options:
            yield f"{path} has no option {key}"
        else:
            yield from _value(_plain(value), options[key], f"{path}.{key}")
    for key, option in options.items():
        # What environment variables tell need not be told.
        if option.get("required") and key not in given and "E(" not in str(option["description"]):
            yield f"{path} lacks {key}"


def _value(value: Any, option: Mapping[str, Any], path: str) -> Iterator[str]:
    several = value if isinstance(value, list) else [value]
    for one in several:
        if option.get("choices") and one is not UNTOLD and _plain(one) is not UNTOLD and one not in option["choices"]:
            yield f"{path} is {one!r}; it may be {option['choices']}"
        if option.get("suboptions") and isinstance(one, Mapping):
            yield from unfit(one, option["suboptions"], path)
