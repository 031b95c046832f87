"""Calls a method with an empty request from where it runs, and prints the status: `call.py currency GetRates`."""

import sys
from importlib import import_module

import grpc

service, method = sys.argv[1:]
package = f"figtree.{service}.v1.{service}_pb2"
messages, stubs = import_module(package), import_module(f"{package}_grpc")
with grpc.insecure_channel(f"{service}:50051") as channel:
    stub = getattr(stubs, f"{service.capitalize()}ServiceStub")(channel)
    try:
        getattr(stub, method)(getattr(messages, f"{method}Request")(), timeout=5)
        status = "OK"
    except grpc.RpcError as error:
        status = error.code().name
sys.stdout.write(f"{status}\n")
