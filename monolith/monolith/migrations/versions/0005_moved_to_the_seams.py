"""Empty: its content is a revision of monolith.seams now. Older databases name this revision as theirs."""

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Change nothing."""


def downgrade() -> None:
    """Change nothing."""
