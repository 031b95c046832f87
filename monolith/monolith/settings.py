from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict
from tracing import TracingSettings

Ruleset = Literal["v1", "v2", "v2-rounding"]


class Settings(TracingSettings):
    model_config = SettingsConfigDict(frozen=True, hide_input_in_errors=True)

    database_url: str = Field(repr=False, pattern="^postgresql://")  # carries a password
    listen: str = "127.0.0.1:8080"
    egress: str = ""
    metrics_listen: str = ""
    title_address: str = "title:50051"
    currency_address: str = "currency:50051"
    pricing_address: str = "pricing:50051"
    order_address: str = "order:50051"
    ruleset: Ruleset = "v1"
    fulfilment_delay: float = Field(default=0.3, ge=0)
    version: str = "v1"
    log_level: str = "INFO"
