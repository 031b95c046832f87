from typing import Literal

from service_kit.settings import DatabaseSettings


class Settings(DatabaseSettings):
    """Read once from the environment."""

    egress: str = ""
    title_address: str = "title:50051"
    currency_address: str = "currency:50051"
    ruleset: Literal["v1", "v2", "v2-rounding"] = "v1"
