from typing import Literal

from pydantic import Field
from service_kit.settings import DatabaseSettings

Ruleset = Literal["v1", "v2", "v2-rounding"]


class Settings(DatabaseSettings):
    """The monolith's settings, from the environment."""

    database_url: str = Field(repr=False, pattern="^postgresql://")  # carries a password
    listen: str = "127.0.0.1:8080"
    metrics_listen: str = ""
    ruleset: Ruleset = "v1"
    fulfilment_delay: float = Field(default=0.3, ge=0)
    seams: bool = True  # off: the monolith as it was before strangling began
