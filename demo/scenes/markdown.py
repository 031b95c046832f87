"""The scenes as a page: `figtree scene list --markdown > docs/scenes.md`."""

from itertools import groupby

from runtime.manifests import ROOT

from scenes.catalogue import SCENES
from scenes.engine.scene import Scene

HEAD = """# Scenes

Written by `figtree scene list --markdown > docs/scenes.md`. A scene does what it claims to live traffic on the running
system, measures it, and restores what was there before. `figtree scene show NAME` prints its manifests,
`figtree scene run NAME` runs it, `figtree scene run --all` runs all of them. `make test-scenes` runs each scene twice:
with its cause it must pass, without its cause it must fail. A picture shows the verdict on the dashboard, and its graph
when most was to be seen; `make pictures` makes all of them anew. Scenes that need a cluster have none.
"""
PICTURES = ROOT / "docs" / "pictures" / "scenes"


def page() -> str:
    """Every scene in the talk's order: what it claims, what it applies, the command, what it needs."""
    parts = [HEAD]
    for group, scenes in groupby(SCENES, key=lambda scene: scene.group):
        parts.append(f"## {group.capitalize()}\n")
        parts += ["| scene | claim | Istio resources | needs | seen |", "| --- | --- | --- | --- | --- |"]
        parts += [_row(scene) for scene in scenes]
        parts.append("")
    return "\n".join(parts)


def _row(scene: Scene) -> str:
    files = "<br>".join(f"[{name}](../istio/{name})" for name in scene.manifests) or "none"
    needs = ", ".join(filter(None, [f"shape {scene.shape} or later", scene.needs]))
    picture = f"pictures/scenes/{scene.name}.png"
    seen = f"[picture]({picture})" if (PICTURES / f"{scene.name}.png").exists() else ""
    return f"| `{scene.name}` | {scene.hypothesis} | {files} | {needs} | {seen} |"
