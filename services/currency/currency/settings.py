from pydantic import Field
from pydantic_settings import SettingsConfigDict
from tracing import TracingSettings


class Settings(TracingSettings):
    """Read once from the environment when the process starts."""

    model_config = SettingsConfigDict(frozen=True, hide_input_in_errors=True)

    listen: str = "127.0.0.1:50051"
    database_url: str = Field(repr=False)  # carries a password
    version: str = "v1"
    log_level: str = "INFO"
