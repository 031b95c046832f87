"""Each call to the next instance; without it gRPC stays with the first one that answers."""

POLICY: dict[str, object] = {"loadBalancingConfig": [{"round_robin": {}}]}
