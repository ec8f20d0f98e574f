# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Alembic runs to upgrade a store: on the connection and inside the transaction that upgrade.py opened."""

from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import alembic


def run() -> None:
    """Run the migrations that lead to the version asked for."""
    attributes = alembic.context.config.attributes
    alembic.context.configure(
        connection=attributes["connection"],
        version_table=attributes["version_table"],
        transaction_per_migration=False,
        render_as_batch=True,
    )
    alembic.context.run_migrations()


# the name under which Alembic loads this file; any other import of it (sanity, documentation) must do nothing
if __name__ == "env_py":
    run()
