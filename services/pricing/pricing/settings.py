from typing import Literal

from pydantic import Field
from service_kit.settings import DatabaseSettings


class Settings(DatabaseSettings):
    """Read once from the environment."""

    egress: str = ""
    title_address: str = "title:50051"
    currency_address: str = "currency:50051"
    ruleset: Literal["v1", "v2", "v2-rounding"] = "v1"
    fallback_minutes: float = Field(default=15, ge=0)  # 0: without the catalogue there are no quotes
