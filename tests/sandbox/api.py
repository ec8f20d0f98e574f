"""How a request is judged and answered, in the real server's order:

authentication (401), CSRF token (401), path and method (501), a path parameter repeated with another value (400), permission (403),
forwarding to the node in the path (500, 595), parameters (400), the call itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from . import permissions, schema
from .access import ROOT
from .errors import ApiError, BadParameters, Forbidden, Unauthorised, Unreachable, not_implemented
from .schema import Method, Value

if TYPE_CHECKING:
    from .guest import Guest
    from .model import Node
    from .tasks import Task
    from .world import World

Handler = Callable[["Call"], Any]
HANDLERS: dict[tuple[str, str], Handler] = {}

_CONFLICT = "duplicate parameter (already defined in URI) with conflicting values!"
_WORLD = {"user": "world"}
_TICKET = "/access/ticket"


@dataclass
class Request:
    """A request as it was sent: the path below /api2/json, the parameters of query and body. The body is read late: who is unknown learns nothing."""

    method: str
    path: str
    query: dict[str, Value]
    body: Callable[[], dict[str, Value]]
    headers: dict[str, str]


@dataclass
class Paged:
    """A list with the number of all its elements."""

    data: list[Any]
    total: int


@dataclass
class Call:
    """A request that was let through: on which node it is carried out, for whom, with which parameters."""

    world: World
    node: Node
    who: str
    method: Method
    params: dict[str, Value] = field(default_factory=dict)

    def get(self, name: str, default: str = "") -> str:
        value = self.params.get(name, default)
        return value if isinstance(value, str) else ",".join(value)

    def has(self, name: str) -> bool:
        return name in self.params

    def flag(self, name: str, *, default: bool = False) -> bool:
        return self.get(name, str(int(default))) == "1"

    def number(self, name: str, default: int = 0) -> int:
        return int(self.get(name, str(default)))

    @property
    def vmid(self) -> int:
        return self.number("vmid")

    @property
    def user(self) -> str:
        """The user behind a token."""
        return self.who.partition("!")[0]

    @property
    def now(self) -> float:
        return self.world.now()

    def may(self, path: str, *privileges: str, some: bool = False) -> bool:
        return self.world.access.may(self.who, path, *privileges, some=some)

    def need(self, path: str, *privileges: str, some: bool = False) -> None:
        self.world.access.need(self.who, path, *privileges, some=some)

    def guest(self, kind: str) -> Guest:
        """The guest in the path."""
        return self.world.guest(kind, self.node.name, self.vmid)

    def start(self, type_: str, id_: str, run: Callable[[Task], Any]) -> str:
        """Start a task on this node; its UPID."""
        return self.world.tasks.start(self.node.name, type_, id_, self.who, run).upid

    def only_root(self, *names: str) -> None:
        """:raises BadParameters: options that the user root@pam alone may give"""
        for name in names:
            if self.get(name) not in ("", "0") and self.who != ROOT:
                raise BadParameters.of({name: "Only root may use this option."})


def api(method: str, path: str) -> Callable[[Handler], Handler]:
    """Register the handler of a method."""

    def register(handler: Handler) -> Handler:
        HANDLERS[method, path] = handler
        return handler

    return register


def answer(world: World, local: Node, request: Request) -> Any:
    """The data of a request that reached a node's server.

    :raises ApiError: with the status and the texts of any other answer
    """
    facts = schema.load()
    found = facts.find(request.method, request.path)
    who = _authenticate(world, request, found[0] if found else None)
    given = request.body() | request.query
    given.pop("_dc", None)  # against caches
    if found is None:
        raise not_implemented(request.method, request.path)
    method, uri = found
    params = _merge(given, uri)
    if method.path == _TICKET and request.headers.get("authorization", "").startswith("PVEAPIToken") and method.method == "POST":
        raise Forbidden(f"URI '{request.path}' not available with API token, need proper ticket.\n")
    permissions.check(world.access, method, who, params)
    node = _forward(world, local, method, uri) if method.proxied else local
    params = facts.joined(method, params)
    facts.verify(method, params)
    handler = HANDLERS.get((method.method, method.path))
    if handler is None:
        raise not_implemented(request.method, request.path)
    return handler(Call(world, node, who, method, params))


def _authenticate(world: World, request: Request, method: Method | None) -> str:
    now = world.now()
    if method is not None and method.permissions == _WORLD:
        return ""
    header = request.headers.get("authorization", "")
    if header.startswith("PVEAPIToken"):
        match = re.fullmatch(r"PVEAPIToken[= ](.+)", header)
        token = world.access.token_user(match[1], now) if match else None
        if token is None:
            raise Unauthorised("Authentication failed!")
        return token
    match = re.search(r"(?:^|;\s*)PVEAuthCookie=([^;]*)", request.headers.get("cookie", ""))
    if match is None:
        raise Unauthorised("No ticket")
    user = world.access.ticket_user(unquote(match[1]), now)
    if user is None:
        raise Unauthorised("Authentication failed!")
    if request.method != "GET" and not world.access.csrf_valid(request.headers.get("csrfpreventiontoken", ""), user, now):
        raise Unauthorised("Permission denied - invalid csrf token")
    return user


def _merge(given: dict[str, Value], uri: dict[str, str]) -> dict[str, Value]:
    """The parameters of query and body with those of the path."""
    for name in sorted(uri):
        if given.get(name, uri[name]) != uri[name]:
            raise BadParameters.of({name: _CONFLICT})
    return given | uri


def _forward(world: World, local: Node, method: Method, uri: dict[str, str]) -> Node:
    name = uri["node"]
    if name in ("localhost", local.name):
        return local
    node = world.nodes.get(name)
    if node is None:
        text = f"hostname lookup '{name}' failed - failed to get address info for: {name}: Name or service not known"
        raise ApiError(500, text + "\n")
    if not node.alive:
        raise Unreachable("No route to host")
    if not node.api_up:
        raise Unreachable("Connection refused")
    return node
