"""Where the callee's instances are: from a setting, since a client outside of a mesh asks nobody who watches them."""


def target(addresses: str) -> str:
    """gRPC's name for a fixed list, `HOST:PORT,HOST:PORT`; another list means another process."""
    return f"ipv4:{addresses}"
