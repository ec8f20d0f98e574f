# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The errors that users see. Every message says what was seen, what is needed and which option changes it."""

from __future__ import annotations


class ForesightError(Exception):
    """Base of all errors that are told to the user as they are, without a traceback."""


class InputError(ForesightError):
    """An option, a document or a file has the wrong content."""


class StoreError(ForesightError):
    """The store cannot be opened, read or written."""


class PlanError(ForesightError):
    """A plan is not valid, not approved, expired, or not for these hosts."""
