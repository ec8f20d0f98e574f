# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans keep a picture of each cluster for the report."""

from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import alembic, sa

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table; plans of before have no picture."""
    alembic.op.create_table(
        "plan_picture",
        sa.Column("plan_id", sa.Text, sa.ForeignKey("plan.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("cluster", sa.Text, primary_key=True, comment="its name"),
        sa.Column("host", sa.Text, nullable=False, comment="inventory_hostname through which it is changed"),
        sa.Column("picture", sa.LargeBinary, nullable=False, comment="what the report draws: JSON, compressed with zlib"),
        comment="Each cluster of a plan, before and after its moves",
    )
