from monolith.settings import Settings


class SeamSettings(Settings):
    """Where the services are that modules may move to."""

    egress: str = ""
    title_address: str = "title:50051"
    currency_address: str = "currency:50051"
    pricing_address: str = "pricing:50051"
    order_address: str = "order:50051"
