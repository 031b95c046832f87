"""The local runtime from inside the supervisor, without the way through its socket."""

from typing import Any, Self

from localmesh.client import LocalRuntime
from localmesh.control import Control


class OwnRuntime(LocalRuntime):
    def __init__(self, control: Control, info: dict[str, Any]) -> None:
        super().__init__(info["name"], info)
        self._control = control

    @classmethod
    async def of(cls, control: Control) -> Self:
        return cls(control, await control.info())

    async def _call(self, method: str, **arguments: Any) -> Any:
        return await getattr(self._control, method)(**arguments)
