"""A gRPC client that takes its routes and its certificates from the mesh, without a sidecar.

`proxyless_client.py COUNT` prints how many quotes each ruleset has answered, as JSON.
"""

import json
import sys
from collections import Counter
from typing import Any

import grpc
from figtree.pricing.v1 import pricing_pb2
from figtree.pricing.v1.pricing_pb2_grpc import PricingServiceStub
from grpc.experimental import insecure_channel_credentials

TARGET = "xds:///pricing.figtree.svc.cluster.local:50051"
REQUEST = pricing_pb2.QuoteRequest(
    basket=pricing_pb2.Basket(currency_code="EUR", lines=[pricing_pb2.Line(title_id="t-000001", quantity=3)])
)


def main() -> None:
    answered: Counter[str] = Counter()
    plaintext = insecure_channel_credentials()  # type: ignore[no-untyped-call]
    credentials = grpc.xds_channel_credentials(plaintext)
    with grpc.secure_channel(TARGET, credentials, [("grpc.enable_http_proxy", 0)]) as channel:
        quote: Any = PricingServiceStub(channel).Quote
        for number in range(int(sys.argv[1])):
            try:
                _, call = quote.with_call(REQUEST, timeout=10, wait_for_ready=number == 0)
                answered[dict(call.initial_metadata())["figtree-ruleset"]] += 1
            except grpc.RpcError as error:
                answered[f"{error.code().name}: {error.details()}"] += 1
    sys.stdout.write(json.dumps(answered))


if __name__ == "__main__":
    main()
