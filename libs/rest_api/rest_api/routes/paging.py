"""How lists are asked for: the same two parameters everywhere."""

from typing import Annotated

from fastapi import Query

PageSize = Annotated[int, Query(ge=1, le=100, description="At most so many items")]
PageToken = Annotated[
    str,
    Query(
        max_length=200,
        description="`next_page_token` of the page before; empty for the first. Opaque, never expires",
    ),
]
