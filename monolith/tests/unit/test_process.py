import json
from pathlib import Path

import pytest
from monolith.seams.settings import SeamSettings
from monolith.seams.wiring import application as with_seams
from monolith.settings import Settings
from monolith.wiring import application
from pydantic import ValidationError

DOCUMENT = Path(__file__).parents[3] / "docs" / "openapi.json"
URL = "postgresql://somebody:secret@127.0.0.1:1/nothing"


def test_serves_the_committed_contract() -> None:
    document = json.loads(DOCUMENT.read_text())
    assert application(Settings(database_url=URL)).openapi() == document
    assert with_seams(SeamSettings(database_url=URL)).openapi() == document


def test_settings_do_not_show_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "secret" not in repr(Settings(database_url=URL))
    monkeypatch.setenv("DATABASE_URL", "mysql://somebody:secret@host/db")
    with pytest.raises(ValidationError) as error:
        Settings()
    assert "secret" not in str(error.value)


def test_a_missing_database_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(ValidationError):
        Settings()
