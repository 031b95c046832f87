"""The monolith's commands, for whoever reads what they say."""

import sys

import pytest

from monolith import __main__ as main


@pytest.mark.parametrize("command", ["migrate", "seed"])
def test_a_command_whose_database_is_not_there_says_so_in_one_line(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nowhere")
    monkeypatch.setattr(sys, "argv", ["monolith", command])
    monkeypatch.setattr(main, "configure_logging", lambda *_: None)  # it is for the whole process
    with pytest.raises(SystemExit, match=rf"^monolith {command}: the database does not answer: ") as ended:
        main.run()
    assert "\n" not in str(ended.value.code)
