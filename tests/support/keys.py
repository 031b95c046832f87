"""Keys for a program in a terminal of a test's own."""

import pexpect


def press(terminal: pexpect.spawn, key: str) -> None:
    """When the program waits for one: what is typed before is thrown away."""
    assert terminal.waitnoecho()
    terminal.send(key)
