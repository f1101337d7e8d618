"""Learners, attempts, cards and self-tests."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _learner() -> sa.Column[str]:
    return sa.Column("learner_id", sa.String(32), sa.ForeignKey("learner.id"), nullable=False)


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "learner",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("created_at", time, nullable=False),
    )
    op.create_table(
        "attempt",
        sa.Column("id", sa.Integer, primary_key=True),
        _learner(),
        sa.Column("item_id", sa.String(16), nullable=False),
        sa.Column("response", sa.JSON, nullable=False),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("max_score", sa.Float, nullable=False),
        sa.Column("correct", sa.Boolean, nullable=False),
        sa.Column("rating", sa.Integer, nullable=False),
        sa.Column("hint_used", sa.Boolean, nullable=False),
        sa.Column("confidence", sa.Integer, nullable=True),
        sa.Column("selftest_id", sa.String(32), nullable=True),
        sa.Column("idempotency_key", sa.String(64), nullable=False),
        sa.Column("at", time, nullable=False),
        sa.UniqueConstraint("learner_id", "idempotency_key", name="uq_attempt_once"),
    )
    op.create_index("ix_attempt_learner_id", "attempt", ["learner_id"])
    op.create_index("ix_attempt_selftest_id", "attempt", ["selftest_id"])
    op.create_table(
        "card",
        sa.Column("learner_id", sa.String(32), sa.ForeignKey("learner.id"), primary_key=True),
        sa.Column("item_id", sa.String(16), primary_key=True),
        sa.Column("state", sa.JSON, nullable=False),
        sa.Column("due", time, nullable=False),
    )
    op.create_index("ix_card_due", "card", ["due"])
    op.create_table(
        "selftest",
        sa.Column("id", sa.String(32), primary_key=True),
        _learner(),
        sa.Column("item_ids", sa.JSON, nullable=False),
        sa.Column("mode", sa.String(8), nullable=False),
        sa.Column("created_at", time, nullable=False),
        sa.Column("finished_at", time, nullable=True),
    )
    op.create_index("ix_selftest_learner_id", "selftest", ["learner_id"])


def downgrade() -> None:
    for table in ("selftest", "card", "attempt", "learner"):
        op.drop_table(table)
