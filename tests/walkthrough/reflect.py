"""Lists the services of a workload by gRPC reflection, as `grpcurl list` does: `reflect.py order`.

Asks through the gateway's sidecar: the workload itself answers nobody without a certificate of the mesh.
"""

import asyncio
import os
import sys

from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from localmesh import LocalRuntime
from runtime.calls import channel


async def main(workload: str) -> None:
    runtime = await LocalRuntime.connect(os.environ.get("FIGTREE_NAME", "demo"))
    async with channel(runtime, "gateway", workload) as opened:
        call = reflection_pb2_grpc.ServerReflectionStub(opened).ServerReflectionInfo(timeout=5)
        await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
        answer = await call.read()
        call.cancel()
    sys.stdout.write("".join(f"{one.name}\n" for one in answer.list_services_response.service))


asyncio.run(main(sys.argv[1]))
