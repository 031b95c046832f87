"""Empty: its content is a revision of monolith.seams now. Older databases name this revision as theirs."""

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Change nothing."""


def downgrade() -> None:
    """Change nothing."""
