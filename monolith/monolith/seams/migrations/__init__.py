"""The tables that strangling needs, beside those of the modules: their revisions are a history of their own."""

from pathlib import Path

from monolith import migrations

FOLDER = Path(__file__).parent


async def migrate(url: str) -> None:
    """Bring the tables of the modules, then those of the seams, to the newest revision."""
    await migrations.migrate(url)
    await migrations.migrate(url, folder=FOLDER)
