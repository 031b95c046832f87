"""Istio's objects as both implementations of the runtime read them from the files under istio/."""

from collections.abc import Mapping
from pathlib import Path

import yaml

from runtime.api import Object, Refused
from runtime.manifests import NAMESPACE

# An open connection keeps the rules of these kinds until it is drained.
RULES_OF_CONNECTIONS = {"AuthorizationPolicy", "EnvoyFilter", "PeerAuthentication", "RequestAuthentication"}

GATEWAY_API = "gateway.networking.k8s.io"
ROUTES = ("GRPCRoute", "HTTPRoute")
MADE_FROM = (
    "internal.istio.io/parents"  # an annotation of what istiod makes of a route: VirtualServices, Gateways
)


def is_loaded(name: str, known: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether istiod has the object and, of a route of the Gateway API, what it makes of it.

    `known` has the annotations of all that istiod has loaded, by kind/namespace/name.
    """
    return name in known and (name.split("/")[0] not in ROUTES or _is_source(name, known))


def is_gone(name: str, known: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether istiod has neither the object nor anything that it made of it."""
    return name not in known and not _is_source(name, known)


def _is_source(name: str, known: Mapping[str, Mapping[str, str]]) -> bool:
    kind, namespace, own = name.split("/")
    return any(f"{kind}/{own}.{namespace}" in notes.get(MADE_FROM, "").split(",") for notes in known.values())


def key(item: Object) -> str:
    """`kind/namespace/name`, which names an object in the mesh."""
    return f"{item['kind']}/{item['metadata']['namespace']}/{item['metadata']['name']}"


def read(path: Path) -> list[Object]:
    """The file's objects; the namespace is ours where none is given, as with `kubectl -n figtree apply`."""
    try:
        items = [item for item in yaml.safe_load_all(path.read_text()) if item]
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise Refused(f"{path}: {error}") from error
    for item in items:
        if not isinstance(item, dict) or not {"apiVersion", "kind", "metadata"} <= item.keys():
            raise Refused(f"{path}: an object needs apiVersion, kind and metadata")
        if not isinstance(item["metadata"], dict) or not item["metadata"].get("name"):
            raise Refused(f"{path}: metadata.name is missing")
        item["metadata"].setdefault("namespace", NAMESPACE)
    return items
