"""Who hears what a scene does: somebody at a terminal, a program line by line, or nobody."""

import json
import sys
from dataclasses import asdict
from typing import Protocol

from scenes.engine.acknowledged import Proof
from scenes.engine.result import Figure, Result
from scenes.engine.scene import Scene


class Reporter(Protocol):
    def begins(self, scene: Scene) -> None: ...
    def tell(self, text: str) -> None: ...
    def measured(self, what: Figure | str) -> None: ...
    def ended(self, result: Result) -> None: ...
    def proven(self, proof: Proof) -> None: ...


class Nobody:
    def begins(self, scene: Scene) -> None: ...
    def tell(self, text: str) -> None: ...
    def measured(self, what: Figure | str) -> None: ...
    def ended(self, result: Result) -> None: ...
    def proven(self, proof: Proof) -> None: ...


class JsonLines:
    """One document per thing that happens; `what` names its kind."""

    def begins(self, scene: Scene) -> None:
        _line("scene", scene=scene.name, title=scene.title, hypothesis=scene.hypothesis)

    def tell(self, text: str) -> None:
        _line("tell", text=text)

    def measured(self, what: Figure | str) -> None:
        if isinstance(what, Figure):
            _line("figure", **asdict(what))
        else:
            _line("seen", text=what)

    def ended(self, result: Result) -> None:
        _line("result", **asdict(result))

    def proven(self, proof: Proof) -> None:
        _line("orders", **asdict(proof), holds=proof.holds)


def _line(what: str, **content: object) -> None:
    sys.stdout.write(json.dumps({"what": what, **content}, ensure_ascii=False) + "\n")
    sys.stdout.flush()
