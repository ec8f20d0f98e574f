"""What a call can end with instead of a result: the status, the text that becomes the reason phrase, and the refused parameters."""

from __future__ import annotations

VERIFICATION_FAILED = "Parameter verification failed.\n"


class ApiError(Exception):
    """An answer that is not 200. ``body`` False = the reply has no body at all (401 of a login, 595)."""

    def __init__(self, status: int, message: str, errors: dict[str, str] | None = None, *, body: bool = True) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors
        self.body = body

    @property
    def reason(self) -> str:
        """The message's first line: what a status line can carry."""
        return self.message.partition("\n")[0]


class Refused(ApiError):
    """A run-time error: 500 with the message, which ends in a newline like every ``die`` of the real server."""

    def __init__(self, text: str, errors: dict[str, str] | None = None) -> None:
        super().__init__(500, text + "\n", errors)
        self.text = text


class BadParameters(ApiError):
    """400 with a text per parameter."""

    def __init__(self, **errors: str) -> None:
        super().__init__(400, VERIFICATION_FAILED, errors)

    @classmethod
    def of(cls, errors: dict[str, str]) -> BadParameters:
        """For names that are no Python identifiers."""
        return cls(**errors)


class Forbidden(ApiError):
    """403; ``what`` is ``PATH, PRIVILEGE`` or a sentence, and absent where the check names no path."""

    def __init__(self, what: str | None = None) -> None:
        super().__init__(403, "Permission check failed" + (f" ({what})" if what is not None else "") + "\n")


class Unauthorised(ApiError):
    """401; only a failed login has a body."""

    def __init__(self, message: str, *, body: bool = False) -> None:
        super().__init__(401, message, body=body)


class Plain(ApiError):
    """An answer of the server itself, before any method is looked for: its text is the whole body."""


class Unreachable(ApiError):
    """595: the node in the path does not answer."""

    def __init__(self, reason: str) -> None:
        super().__init__(595, reason, body=False)


def not_implemented(method: str, path: str) -> ApiError:
    """501 for an unknown path or method (its text alone has no newline)."""
    return ApiError(501, f"Method '{method} {path}' not implemented")
