"""Orders tell others of themselves by events: what a queue promises, and what is left to do."""

from scenes.engine.scene import Scene
from scenes.groups.messages import consumer, events

SCENES = (
    Scene(
        name="order-events",
        group="messages",
        title="An order's events, in order",
        says="Order and event are written in one transaction, the outbox; what follows need not be waited for.",
        hypothesis="Each of 30 orders is placed, accepted and shipped, and whoever watches sees each step once.",
        act=events.in_order,
        shape="4-order",
        needs="",
    ),
    Scene(
        name="duplicate-events",
        group="messages",
        title="Events published twice",
        says="Exactly once is not to be had from a network; at least once and an idempotent consumer are as good.",
        hypothesis="The queue keeps out what it knows; what it takes for new reaches the consumer and changes nothing.",
        act=events.duplicates,
        shape="4-order",
        needs="",
    ),
    Scene(
        name="redelivered-events",
        group="messages",
        title="A consumer dies with events in its hands",
        says="What is not acknowledged is delivered again, to whoever is there by then.",
        hypothesis="Each order is shipped all the same, about 10 s later, and each step is taken once.",
        act=consumer.redelivery,
        shape="4-order",
        needs="",
    ),
    Scene(
        name="poison-message",
        group="messages",
        title="Messages that nobody can handle",
        says="One bad message must not hold up the good ones behind it, nor come back for ever.",
        hypothesis="Four bad messages are delivered once each and change nothing; the orders behind them are shipped.",
        act=events.poison,
        shape="4-order",
        needs="",
    ),
)
