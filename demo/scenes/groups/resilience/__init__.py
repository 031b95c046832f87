"""What keeps a fault where it is: breaker, ejection, timeout, retries and what keeps those honest, fallback."""

from scenes.engine.scene import Scene
from scenes.groups.resilience import breaker, fallback, outlier, retries, storm, timeout

SCENES = (
    Scene(
        name="circuit-breaker",
        group="resilience",
        title="Circuit breaker: 1 connection, 1 request on it, 10 waiting",
        says="A callee that is slow must not take its callers with it: what it cannot take is refused at once.",
        hypothesis="Of 40 requests at once 11 are answered; the proxy refuses the others in a fraction of their time.",
        act=breaker.http,
        manifests=(breaker.BREAKER, breaker.SLOW_GATEWAY),
    ),
    Scene(
        name="circuit-breaker-grpc",
        group="resilience",
        title="Circuit breaker for gRPC: 10 calls under way",
        says="gRPC puts all calls on one connection, so that it is calls that must be limited, not connections.",
        hypothesis="Of 40 requests at once the 10 whose calls find room are answered, the others refused at once.",
        act=breaker.grpc,
        manifests=(breaker.GRPC_BREAKER, breaker.SLOW_CURRENCY),
    ),
    Scene(
        name="outlier-detection",
        group="resilience",
        title="Outlier detection: out for 20 s after 3 errors",
        says="An instance that is alive but fails is found by its callers, and gets no calls until it may try again.",
        hypothesis="With one of two instances sick half of the requests fail; once it is ejected, none; it returns.",
        act=outlier.outlier,
        manifests=(outlier.OUTLIER, outlier.TRIED_ONCE, outlier.SICK),
    ),
    Scene(
        name="timeout",
        group="resilience",
        title="Timeout: 10 s",
        says="An answer that comes too late is worth nothing, and the wait for it costs the caller dearly.",
        hypothesis="The callee needs 12 s; each user has an answer, 504, after 10 s.",
        act=timeout.timeout,
        manifests=(timeout.TIMEOUT, timeout.HANGS),
    ),
    Scene(
        name="retries",
        group="resilience",
        title="Retries: 3 of 2 s",
        says="Most faults are gone the next moment: whoever asks again gets the answer.",
        hypothesis="With 40 % of the calls failing and 5 % hanging 60 % of the users are answered, with retries 97 %.",
        act=retries.retries,
        manifests=(retries.RETRIES, retries.ONCE, retries.FLAKY),
    ),
    Scene(
        name="retry-honesty",
        group="resilience",
        title="Retry honesty: a repeated write is a second write",
        says="A caller without an answer cannot know whether the work was done; a key makes asking again harmless.",
        hypothesis="When each first answer is lost, 20 orders become 40 where the service knows no keys, else stay 20.",
        act=retries.honesty,
        manifests=(retries.ORDER_RETRIES, retries.LOSES_ANSWERS, retries.NO_KEYS),
    ),
    Scene(
        name="retry-storm",
        group="resilience",
        title="Retry storm, and the budget that stops it",
        says="Retries multiply from hop to hop, and hit a service hardest when it is least able to bear it.",
        hypothesis="Three retries at two hops make 16 calls of one request; with a budget of 20 % at each, 1.4.",
        act=storm.storm,
        manifests=(*storm.NAIVE, *storm.BUDGETS, storm.OVERLOADED),
    ),
    Scene(
        name="degraded",
        group="resilience",
        title="Fallback: 15 s without the catalogue",
        says="What a service answers while its neighbour is away, no proxy knows: it stays in the service.",
        hypothesis="Known titles are priced without the catalogue, marked, for 15 s; without a fallback none is.",
        act=fallback.degraded,
        manifests=(fallback.SUBSETS, fallback.STAGING_TO_V2),
    ),
)
