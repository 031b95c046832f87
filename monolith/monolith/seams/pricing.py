from collections.abc import Sequence

from rest_api.errors import EdgeError
from rest_api.models import Basket, Quote
from rest_api.ports import Pricing

from monolith.seams.placement import LocalOrRemote


class SwitchablePricing(LocalOrRemote[Pricing]):
    """The port of pricing, answered by the module or by its service."""

    async def quote(self, basket: Basket) -> Quote:
        return await self().quote(basket)

    async def batch_quote(self, baskets: Sequence[Basket]) -> Sequence[Quote | EdgeError]:
        return await self().batch_quote(baskets)
