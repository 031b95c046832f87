"""What the command takes from its environment: make passes RUNTIME, MESH, LOAD, SEED and TITLES on."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True)

    runtime: Literal["auto", "local", "kind", "current"] = "auto"
    mesh: Literal["on", "off"] = "on"
    mesh_network: Literal["auto", "private", "shared"] = "auto"
    load: float = Field(default=120, ge=1, le=2000, description="requests per second")
    seed: int = 1
    titles: int = Field(
        default=0, ge=0, le=1_000_000, description="titles in all; 0 means the shipped catalogue"
    )
    dwell: float = Field(
        default=2.0, ge=0.2, le=600, description="seconds for which each share of the traffic is held"
    )
    lock_limit: float = Field(
        default=60.0, ge=1, le=3600, description="seconds that a step waits for a lock of somebody else"
    )
    work_limit: float = Field(
        default=600.0,
        ge=1,
        le=86_400,
        description="seconds that a step's copying, seeding or migrating may take",
    )
    figtree_name: str = Field(default="demo", pattern=r"^[a-z][a-z0-9-]{0,19}$")
