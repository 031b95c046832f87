from pydantic import Field, NonNegativeFloat
from pydantic_settings import SettingsConfigDict
from tracing import TracingSettings


class Settings(TracingSettings):
    """Read once from the environment."""

    model_config = SettingsConfigDict(frozen=True, hide_input_in_errors=True)

    database_url: str = Field(repr=False)  # carries a password
    listen: str = "127.0.0.1:50051"
    egress: str = ""
    pricing_address: str = "pricing:50051"
    customer_address: str = "customer:50051"
    nats_url: str = Field("nats://nats:4222", repr=False)
    fulfilment_delay: NonNegativeFloat = 0.3
    grace: NonNegativeFloat = 10.0  # seconds that calls under way may take when the process ends
    version: str = "v1"
    log_level: str = "INFO"
