"""docs/walkthrough-kubernetes.md does what it says, on the cluster of the kubectl context in its final shape."""

import pytest

from tests.support.walkthrough import walk

BY_HAND = "kubectl delete namespace stranger --ignore-not-found; figtree diff --heal"


@pytest.mark.cluster
@pytest.mark.timeout(600)
async def test_every_command_of_the_walkthrough_on_kubernetes_prints_what_the_page_shows() -> None:
    await walk("walkthrough-kubernetes.md", last=BY_HAND, RUNTIME="current")
