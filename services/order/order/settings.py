from pydantic import Field, NonNegativeFloat
from service_kit.settings import DatabaseSettings


class Settings(DatabaseSettings):
    """Read once from the environment."""

    egress: str = ""
    pricing_address: str = "pricing:50051"
    customer_address: str = "customer:50051"
    nats_url: str = Field("nats://nats:4222", repr=False)
    fulfilment_delay: NonNegativeFloat = 0.3
    grace: NonNegativeFloat = 10.0  # seconds that calls under way may take when the process ends
