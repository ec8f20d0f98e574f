# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Facts documents → entities, samples and flags. Pure: no store, no clock, no Ansible."""

from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.admission import DOCUMENTS
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.host import observe
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.model import (
    FLAGS,
    Issue,
    Last,
    Observation,
    ObservedEntity,
    ObservedSample,
)

__all__ = ["DOCUMENTS", "FLAGS", "Issue", "Last", "Observation", "ObservedEntity", "ObservedSample", "observe"]
