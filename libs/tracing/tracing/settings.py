from pydantic import Field
from pydantic_settings import BaseSettings


class TracingSettings(BaseSettings):
    """OpenTelemetry's own variables, as far as they mean something here; without an endpoint nothing is traced."""

    otel_exporter_otlp_endpoint: str = ""
    otel_traces_sampler_arg: float = Field(
        default=1.0, ge=0, le=1, description="share of the requests that come without anybody's decision"
    )
    log_hash_key: str = Field(default="", repr=False, description="of the hashes in the log")
    otel_bsp_schedule_delay: int = Field(default=500, gt=0, description="milliseconds")
