from service_kit.settings import ServiceSettings


class Settings(ServiceSettings):
    """Where the services are, by name or through a sidecar (`egress`)."""

    listen: str = "127.0.0.1:8080"
    egress: str = ""
    metrics_listen: str = ""
    title_address: str = "title:50051"
    currency_address: str = "currency:50051"
    pricing_address: str = "pricing:50051"
    order_address: str = "order:50051"
    customer_address: str = "customer:50051"
