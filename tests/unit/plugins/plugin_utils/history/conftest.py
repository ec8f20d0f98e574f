# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from support import facts_documents


@pytest.fixture(scope="session")
def documents():
    """Facts documents as the modules return them."""
    return facts_documents
