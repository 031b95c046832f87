"""The guides name what there is: links, paths, functions, and the arrows between packages."""

import ast
import re
import tomllib
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[1]
ARCHITECTURE = ROOT / "docs" / "architecture.md"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    ARCHITECTURE,
    *(ROOT / "docs" / f"{name}.md" for name in ("glossary", "extending", "troubleshooting", "quick-start")),
    *sorted((ROOT / "docs" / "how-to").glob("*.md")),
    *sorted((ROOT / "docs" / "course").glob("*.md")),
    ROOT / "demo" / "README.md",
    ROOT / "demo" / "localmesh" / "README.md",
    *sorted((ROOT / "libs").glob("*/README.md")),
]
TOP = "benchmarks|demo|docs|istio|k8s|libs|loadtests|monolith|proto|services|tests"
NAMED = re.compile(rf"`((?:{TOP})/[^`\s]*)`")
PACKAGES = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
DRAWN_TOGETHER = dict.fromkeys(("title", "currency", "pricing", "order", "customer"), "services")

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def definitions(path: Path) -> set[str]:
    """Functions, classes, methods as Class.method, and the names that the module assigns."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                found.add(node.name)
            case ast.ClassDef():
                methods = (n for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
                found |= {node.name, *(f"{node.name}.{method.name}" for method in methods)}
            case ast.Assign() | ast.AnnAssign():
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


@pages
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pages
def test_every_path_and_function_that_a_page_names_exists(page: Path) -> None:
    missing = []
    for name in NAMED.findall(page.read_text()):
        if re.search(r"NAME|GROUP|MODULE|[{…<]", name):  # a placeholder
            continue
        path, _, function = name.partition(":")
        found = list(ROOT.glob(path.rstrip("/")))
        if not found or (function and function not in definitions(found[0])):
            missing.append(name)
    assert missing == []


def drawn() -> set[tuple[str, str]]:
    diagram = re.search(r"```mermaid\n(.*?)```", ARCHITECTURE.read_text(), re.DOTALL)
    assert diagram
    arrows = set()
    for left, right in re.findall(r"^ *([\w &]+?) --> ([\w &]+)$", diagram[1], re.MULTILINE):
        arrows |= {(a, b) for a in left.split(" & ") for b in right.split(" & ")}
    return arrows


def imported() -> set[tuple[str, str]]:
    def node(module: str) -> str:
        package = module.split(".")[0]
        cluster = module.startswith("runtime.cluster")
        return "runtime_cluster" if cluster else DRAWN_TOGETHER.get(package, package)

    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    arrows = {(node(a), node(b)) for a in graph.modules for b in graph.find_modules_directly_imported_by(a)}
    return {(a, b) for a, b in arrows if a != b}


def test_the_diagram_of_packages_shows_the_imports() -> None:
    arrows, imports = drawn(), imported()
    assert arrows - imports == set(), "drawn, but not imported"
    reached = set(arrows)
    while more := {(a, d) for a, b in reached for c, d in reached if b == c} - reached:
        reached |= more
    assert imports - reached == set(), "imported, but no path is drawn"
    assert not {(b, a) for a, b in reached} & reached, "a circle"
