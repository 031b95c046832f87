"""The cluster runtime: Deployments and injected sidecars in whatever cluster a kubectl context points to."""

from demo.runtimes.cluster.client import ClusterRuntime

__all__ = ["ClusterRuntime"]
