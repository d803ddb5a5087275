"""Models indexed by when they came: whether any did is asked every second."""

from alembic import op

revision = "2026_11_25_models_created_at"
down_revision = "2026_11_25_shifted_from"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_models_created_at", "models", ["created_at"])


def downgrade() -> None:
    op.drop_index("ix_models_created_at", table_name="models")
