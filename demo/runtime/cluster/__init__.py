"""The cluster runtime: Deployments and injected sidecars in whatever cluster a kubectl context points to."""

from runtime.cluster.client import ClusterRuntime

__all__ = ["ClusterRuntime"]
