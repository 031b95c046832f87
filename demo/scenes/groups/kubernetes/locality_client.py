"""Asks a currency service for its rates, one call after another, from inside a pod.

`locality_client.py TARGET COUNT` prints the seconds that each call took and how many ended with which status, as JSON.
"""

import json
import sys
import time
from collections import Counter
from typing import Any

import grpc
from figtree.currency.v1 import currency_pb2 as pb
from figtree.currency.v1.currency_pb2_grpc import CurrencyServiceStub


def main() -> None:
    target, count = sys.argv[1], int(sys.argv[2])
    statuses: Counter[str] = Counter()
    seconds = []
    with grpc.insecure_channel(target, [("grpc.enable_http_proxy", 0)]) as channel:
        rates: Any = CurrencyServiceStub(channel).GetRates
        for _ in range(count):
            begun = time.perf_counter()
            try:
                rates(pb.GetRatesRequest(), timeout=10)
                statuses["OK"] += 1
            except grpc.RpcError as error:
                statuses[error.code().name] += 1
            seconds.append(time.perf_counter() - begun)
    sys.stdout.write(json.dumps({"seconds": seconds, "statuses": statuses}))


if __name__ == "__main__":
    main()
