"""The demo as processes of one machine: real istiod, Envoy, PostgreSQL and NATS, without root and without Docker."""

from demo.runtimes.local.client import LocalRuntime

__all__ = ["LocalRuntime"]
