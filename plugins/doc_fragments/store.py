# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of every plugin that opens the store (the spec is store_arguments in module_utils/arguments.py)."""

    DOCUMENTATION = r"""
options:
  store:
    description:
      - Where the store lies. A path of an SQLite file, or a URL such as C(sqlite:////var/lib/foresight/store.db)
        or C(postgresql://foresight@db.example.com/foresight).
      - A URL with a password in it is refused. Give the password in the environment variable E(FORESIGHT_STORE_PASSWORD) or in a E(PGPASSFILE).
      - Without it E(FORESIGHT_STORE) is used, then C(foresight/store.db) in the XDG data directory of the user.
    type: str
  now:
    description:
      - The time to take for now, in seconds since 1970-01-01 UTC. Default is the clock of the controller.
    type: int
  log_level:
    description:
      - The least severe messages to log, on the console and in O(log_file). Default of E(FORESIGHT_LOG_LEVEL).
    type: str
    choices: [debug, info, warning, error]
    default: warning
  log_file:
    description:
      - A file to which log lines are appended as well, each with time, level and category (C(store), C(lvm) of volumes, C(guests) of containers and
        VMs, C(ansible), C(main)). Default of E(FORESIGHT_LOG_FILE).
    type: path
"""
