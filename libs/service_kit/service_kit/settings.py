"""What every process reads from its environment, once, when it starts."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict
from tracing import TracingSettings


class ServiceSettings(TracingSettings):
    """`listen` is host:port or unix:/path."""

    model_config = SettingsConfigDict(frozen=True, hide_input_in_errors=True)

    listen: str = "127.0.0.1:50051"
    version: str = "v1"
    log_level: str = "INFO"


class DatabaseSettings(ServiceSettings):
    """Of a process that has a database of its own."""

    database_url: str = Field(repr=False)  # carries a password
