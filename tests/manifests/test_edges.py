"""Who may talk to whom is written twice for the network and once for the mesh; all three must say the same."""

from manifests import render
from manifests.render import Object
from runtime.manifests import ROOT

FULL = render.K8S / "steps" / "4-order"
Edge = tuple[str, str, int]

POLICIES: dict[str, Object] = {
    item["metadata"]["name"]: item["spec"] for item in render.objects(FULL) if item["kind"] == "NetworkPolicy"
}


def edges(direction: str, peers: str) -> set[Edge]:
    found = set()
    for name, spec in POLICIES.items():
        for rule in spec.get(direction, ()):
            for peer in rule[peers]:
                if "namespaceSelector" in peer:
                    continue
                other = peer["podSelector"]["matchLabels"]["app"]
                pair = (name, other) if direction == "egress" else (other, name)
                found |= {(*pair, port["port"]) for port in rule["ports"]}
    return found


def test_what_one_side_may_call_the_other_lets_in() -> None:
    assert edges("egress", "to") == edges("ingress", "from")
    assert len(edges("egress", "to")) > 25


def test_everything_that_no_policy_allows_is_denied() -> None:
    assert POLICIES["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    apps = {
        item["spec"]["template"]["metadata"]["labels"]["app"]
        for item in render.objects(FULL)
        if item["kind"] in ("Deployment", "StatefulSet", "Job")
    }
    for app in apps:
        assert POLICIES[app]["podSelector"]["matchLabels"] == {"app": app}
        assert POLICIES[app]["policyTypes"] == ["Ingress", "Egress"]


def test_a_private_database_has_its_service_and_the_monolith_and_nobody_else() -> None:
    for service in ("title", "currency", "pricing", "order"):
        callers = {caller for caller, callee, _ in edges("egress", "to") if callee == f"{service}-db"}
        assert callers == {service, "monolith-db"}
    assert {caller for caller, callee, _ in edges("egress", "to") if callee == "customer-db"} == {
        "customer",
        "customer-seed",
    }


def test_a_sidecar_knows_exactly_the_neighbours_that_the_network_allows() -> None:
    allowed = edges("egress", "to")
    scoped = 0
    for path in sorted((ROOT / "istio" / "cluster").glob("egress-*.yaml")):
        (item,) = render.read(path)
        assert item["spec"]["outboundTrafficPolicy"] == {"mode": "REGISTRY_ONLY"}
        if "workloadSelector" not in item["spec"]:
            continue
        scoped += 1
        app = item["spec"]["workloadSelector"]["labels"]["app"]
        hosts = {host.removeprefix("./").partition(".")[0] for host in item["spec"]["egress"][0]["hosts"]}
        assert "istio-system/opentelemetry-collector" in hosts
        assert hosts - {"rates", "istio-system/opentelemetry-collector"} == {
            callee for caller, callee, _ in allowed if caller == app
        }
    assert scoped == 7
