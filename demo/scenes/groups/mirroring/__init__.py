"""A copy of the real traffic for a version that nobody depends on yet."""

from scenes.engine.scene import Scene
from scenes.groups.mirroring import reads, rewritten, writes

SCENES = (
    Scene(
        name="mirror-v2",
        group="mirroring",
        title="Dark launch: v2 in the shadow of v1",
        says="The safest test of a new version is the real traffic, with answers that nobody waits for.",
        hypothesis="Users of v1 notice nothing of a shadow that takes two seconds longer, and all its answers agree.",
        act=reads.agreeing,
        manifests=(reads.MIRROR, reads.NAMED, reads.SLOW),
        shape="3-pricing",
    ),
    Scene(
        name="mirror-v2-rounding",
        group="mirroring",
        title="Dark launch: a wrong v2 is found",
        says="A mirror without a comparison proves that the new version does not crash, and nothing else.",
        hypothesis="The comparator finds the prices that v2-rounding gets wrong; no user is told one of them.",
        act=reads.differing,
        manifests=(reads.MIRROR, reads.NAMED),
        shape="3-pricing",
    ),
    Scene(
        name="mirror-writes",
        group="mirroring",
        title="Dark launch of a writer",
        says="A mirrored write is a second write: the shadow needs tables of its own, and no key to the real ones.",
        hypothesis="The shadow places each of 20 orders again, in its own tables; none is twice in the real ones.",
        act=writes.shadow,
        manifests=(writes.MIRROR,),
        shape="5-no-monolith",
    ),
    Scene(
        name="rewritten-in-go",
        group="mirroring",
        title="Currency rewritten in Go: compared, moved to and back",
        says="The mesh serves every language: a service is rewritten without a word to its callers.",
        hypothesis="Mirrored, none of Go's answers differs; it takes 10, 50 and 100 % unnoticed, and gives them back.",
        act=rewritten.rewritten,
        manifests=(
            rewritten.MIRROR,
            *(manifest for _, manifest in rewritten.STEPS),
            rewritten.ALL_TO_PYTHON,
        ),
        compiled=(("currency", "go"),),
    ),
)
