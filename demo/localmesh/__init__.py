"""The demo as processes of one machine: real istiod, Envoy, PostgreSQL and NATS, without root and without Docker."""

from localmesh.client import LocalRuntime

__all__ = ["LocalRuntime"]
