"""`python -m order.asyncapi > docs/asyncapi.json` writes the contract of the events, as AsyncAPI 3.0."""

import json
import sys
from typing import Any

from pydantic import TypeAdapter
from tracing.remembered import CARRIED

from order.domain import NEXT, SEQUENCE, Event
from order.messaging import ACK_SECONDS, SUBJECT, consumer, stream
from order.settings import Settings

PURPOSE = {
    "placed": "The order is stored.",
    "accepted": "The order is accepted, one delay after it was placed.",
    "shipped": "The order is shipped, one delay after it was accepted. No event follows.",
}
UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
DELIVERY = """\
The order service writes an event in the transaction that changes the order (transactional outbox), and publishes it
afterwards. Delivery is at least once: JetStream drops a second copy of a `Nats-Msg-Id` within the duplicate window; a
later copy reaches the consumer. A consumer must ignore an event whose status the order has passed. The events of one
order are published by rising `sequence`; a redelivery can break that order. While NATS is away, events wait in the
outbox."""
HEADERS = {
    "traceparent": "W3C trace context: the publishing span, if the trace of the order's request is sampled.",
    "tracestate": "W3C trace context: what vendors added.",
    "baggage": "W3C baggage of the request.",
}


def document() -> dict[str, Any]:
    """The AsyncAPI document, from the code that publishes and takes the events."""
    delay = Settings.model_fields["fulfilment_delay"].default
    streamed, taken = stream(), consumer(ACK_SECONDS + delay)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Events of orders",
            "version": "1.0.0",
            "description": DELIVERY,
            "license": {"name": "Apache 2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "nats": {
                "host": Settings.model_fields["nats_url"].default.removeprefix("nats://"),
                "protocol": "nats",
                "description": "NATS with JetStream; setting `NATS_URL` of the order service.",
            }
        },
        "channels": {
            "orders": {
                "address": SUBJECT.format(status="{status}"),
                "description": f"Subjects of the JetStream stream {streamed.name}.",
                "parameters": {"status": {"enum": list(SEQUENCE), "description": "The status reached."}},
                "messages": {status: {"$ref": f"#/components/messages/{status}"} for status in SEQUENCE},
                "x-jetstream-stream": {
                    "name": streamed.name,
                    "subjects": streamed.subjects,
                    "max_age_seconds": streamed.max_age,
                    "duplicate_window_seconds": streamed.duplicate_window,
                },
            }
        },
        "operations": {
            "publish": _operation("send", "The relay publishes the events of the outbox.", SEQUENCE),
            "fulfil": _operation("receive", "Fulfilment brings the order's next status.", NEXT)
            | {
                "x-jetstream-consumer": {
                    "durable_name": taken.durable_name,
                    "filter_subjects": taken.filter_subjects,
                    "ack_policy": taken.ack_policy,
                    "ack_wait_seconds": taken.ack_wait,
                    "max_deliver": taken.max_deliver,
                    "max_ack_pending": taken.max_ack_pending,
                }
            },
        },
        "components": {
            "messages": {
                status: {
                    "name": status,
                    "summary": PURPOSE[status],
                    "headers": {"$ref": f"#/components/schemas/{status}Headers"},
                    "payload": {"$ref": f"#/components/schemas/{status}"},
                }
                for status in SEQUENCE
            },
            "schemas": {status: _payload(status) for status in SEQUENCE}
            | {f"{status}Headers": _headers(status) for status in SEQUENCE},
        },
    }


def _operation(action: str, summary: str, statuses: Any) -> dict[str, Any]:
    messages = [{"$ref": f"#/channels/orders/messages/{status}"} for status in statuses]
    return {
        "action": action,
        "summary": summary,
        "channel": {"$ref": "#/channels/orders"},
        "messages": messages,
    }


def _payload(status: str) -> dict[str, Any]:
    """The schema of the dataclass that is published, narrowed to one status."""
    found = TypeAdapter(Event).json_schema(mode="serialization")
    fields = found["properties"]
    fields["status"]["const"] = status
    fields["sequence"]["const"] = SEQUENCE[status]
    fields["order_id"] |= {"pattern": f"^{UUID}$", "description": "The order's id, a UUIDv7."}
    fields["at"]["description"] = "When the order reached the status, in RFC 3339 with an offset."
    return {
        "type": "object",
        "description": PURPOSE[status],
        "properties": fields,
        "required": found["required"],
    }


def _headers(status: str) -> dict[str, Any]:
    identity = {
        "type": "string",
        "pattern": f"^{UUID}:{SEQUENCE[status]}$",
        "description": "The order's id and the event's sequence: JetStream's key for duplicates.",
    }
    return {
        "type": "object",
        "properties": {"Nats-Msg-Id": identity}
        | {name: {"type": "string", "description": HEADERS[name]} for name in CARRIED},
        "required": ["Nats-Msg-Id"],
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(document(), indent=2, ensure_ascii=False) + "\n")
