"""What a gRPC client needs to take its routes from istiod itself: its bootstrap file and a certificate."""

import json
from pathlib import Path

from runtime.manifests import NAMESPACE

from localmesh.identity import Identity
from localmesh.istiod import Istiod

LAST = 7  # of the address that stands for such clients; nothing listens on it


def prepare(istiod: Istiod, identity: Identity, account: str) -> Path:
    folder = istiod.instance.root / "proxies" / f"{account}-proxyless"
    folder.mkdir(mode=0o700, exist_ok=True)
    key, chain, bootstrap = (folder / name for name in ("key.pem", "cert-chain.pem", "bootstrap.json"))
    identity.issue(NAMESPACE, account, key, chain)
    ip = istiod.instance.ip(LAST)
    metadata = {
        "GENERATOR": "grpc",
        "NAMESPACE": NAMESPACE,
        "CLUSTER_ID": "Kubernetes",
        "INSTANCE_IPS": ip,
        "ISTIO_VERSION": "1.31.0",
        "LABELS": {"app": account},
        "SERVICE_ACCOUNT": account,
    }
    server = {
        "server_uri": istiod.plain_xds,  # on loopback; gRPC cannot be told which name istiod's certificate bears
        "channel_creds": [{"type": "insecure"}],
        "server_features": ["xds_v3"],
    }
    files = {
        "certificate_file": str(chain),
        "private_key_file": str(key),
        "ca_certificate_file": str(identity.root),
        "refresh_interval": "600s",
    }
    content = {
        "xds_servers": [server],
        "node": {
            "id": f"sidecar~{ip}~{account}.{NAMESPACE}~{NAMESPACE}.svc.cluster.local",
            "metadata": metadata,
        },
        "certificate_providers": {"default": {"plugin_name": "file_watcher", "config": files}},
        "server_listener_resource_name_template": "xds.istio.io/grpc/lds/inbound/%s",
    }
    bootstrap.write_text(json.dumps(content))
    return bootstrap
