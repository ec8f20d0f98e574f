"""The lab's own errors; the command line shows their text without a traceback."""

from __future__ import annotations


class LabError(Exception):
    """Something the user can act on: the text says what was seen and what to do."""


class LabUnavailable(LabError):
    """This machine cannot run the lab (a tool or root is missing); tests skip with the text."""
