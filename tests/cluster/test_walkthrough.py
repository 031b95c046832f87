"""What docs/ shows of a cluster is so on that of the current kubectl context, in its final shape."""

import pytest

from tests.support.walkthrough import walk

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
BY_HAND = "kubectl delete namespace stranger --ignore-not-found; figtree diff --heal"


def test_every_command_for_kubernetes_prints_what_the_page_shows() -> None:
    walk("walkthrough-kubernetes.md", last=BY_HAND, RUNTIME="current")


def test_kialis_graph_shows_what_the_page_says() -> None:
    walk("walkthrough-kiali.md", last=f"{BY_HAND}; wait", RUNTIME="current")
