from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict
from tracing import TracingSettings


class Settings(TracingSettings):
    """Read once from the environment."""

    model_config = SettingsConfigDict(frozen=True, hide_input_in_errors=True)

    database_url: str = Field(repr=False)  # carries a password
    listen: str = "127.0.0.1:50051"
    egress: str = ""
    title_address: str = "title:50051"
    currency_address: str = "currency:50051"
    ruleset: Literal["v1", "v2", "v2-rounding"] = "v1"
    version: str = "v1"
    log_level: str = "INFO"
