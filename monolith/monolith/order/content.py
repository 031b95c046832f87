"""What an order asks for, as a fingerprint: equal keys must come with equal content."""

import hashlib
import json

from rest_api.models import NewOrder


def content_hash(order: NewOrder) -> str:
    lines = [[line.title_id, line.quantity] for line in order.lines]
    content = json.dumps([order.customer_id, order.currency, lines], separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()
