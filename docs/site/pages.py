"""A hook of MkDocs: the pages of the site are the Markdown files of the repository, at their places in it.

So a link works in the repository and on the site. A link to a file or folder that is no page leads to one that
shows it; the pages of docs/reference are written from the code.
"""

import os
import posixpath
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import reference
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
MERMAID = ROOT / "demo/dashboard/web/node_modules/@mermaid-js/tiny/dist/mermaid.tiny.js"
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)")
SHOWN = {".yaml": "yaml", ".yml": "yaml", ".py": "python", ".json": "json"}
MEDIA = {".png", ".gif", ".svg", ".css", ".json"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Beside the theme's: instead of the files of docs/, those of the whole repository."""
    known = sorted(set(_listed()))
    texts = {path: (ROOT / path).read_text() for path in known if path.endswith(".md") and path[0] != "."}
    texts |= {f"docs/reference/{name}.md": text for name, text in reference.pages().items()}
    texts["docs/decisions/index.md"] = _decisions(texts)
    texts["istio/index.md"] = _listing("istio", known)
    targets = {target for path, text in texts.items() for target in _targets(path, text)}
    folders = {target for target in targets if (ROOT / target).is_dir()}
    shown = {f"{folder}/index.md": _listing(folder, known) for folder in folders}
    media = {path for path in known if path.startswith("docs/") and PurePosixPath(path).suffix in MEDIA}
    linked = targets - texts.keys() - media
    linked |= {path for path in known if path.endswith(".yaml") and not folders.isdisjoint(_parents(path))}
    shown |= {f"{path}.md": _code(path) for path in known if path in linked}
    return Files(
        [
            *(file for file in files if file.src_dir != config.docs_dir),
            *(_file(config, path, content=text) for path, text in texts.items()),
            *(
                _file(config, path, content=text, hidden=True)
                for path, text in shown.items()
                if path not in texts
            ),
            *(_file(config, path) for path in sorted(media)),
            File.generated(config, "assets/mermaid.js", abs_src_path=str(MERMAID)),
        ]
    )


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """A link to what is no page leads to the page that shows it."""

    def shown(link: re.Match[str]) -> str:
        target = _absolute(page.file.src_uri, link[1])
        for candidate in (f"{target}/README.md", f"{target}/index.md", f"{target}.md"):
            if not target.endswith(".md") and files.get_file_from_path(candidate):
                return posixpath.relpath(candidate, posixpath.dirname(page.file.src_uri))
        return link[1]

    return LINK.sub(shown, markdown)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Only a page with a diagram loads what draws it; the theme would fetch it from another host."""
    if 'class="mermaid"' not in output:
        return output
    script = posixpath.relpath("assets/mermaid.js", posixpath.dirname(page.file.dest_uri) or ".")
    return output.replace("</head>", f'<script src="{script}"></script></head>', 1)


def _listed() -> Iterator[str]:
    """What git tracks; in a download without .git, whatever is there."""
    try:
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        for folder, folders, names in os.walk(ROOT):
            folders[:] = [
                name for name in folders if name not in {"node_modules", ".venv", "build", "__pycache__"}
            ]
            yield from (Path(folder, name).relative_to(ROOT).as_posix() for name in names)
    else:
        yield from (path for path in done.stdout.splitlines() if (ROOT / path).is_file())


def _file(config: MkDocsConfig, path: str, content: str | None = None, *, hidden: bool = False) -> File:
    inclusion = (
        InclusionLevel.NOT_IN_NAV
        if hidden or path.startswith("docs/decisions/0")
        else InclusionLevel.INCLUDED
    )
    if content is None:
        file = File.generated(config, path, abs_src_path=str(ROOT / path), inclusion=inclusion)
    else:
        file = File.generated(config, path, content=content, inclusion=inclusion)
    # A host of static files leaves out what begins with a dot.
    file.dest_uri = file.dest_uri.removeprefix("docs/").lstrip(".")
    return file


def _absolute(source: str, link: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), link))


def _parents(path: str) -> set[str]:
    return {str(parent) for parent in PurePosixPath(path).parents}


def _targets(source: str, text: str) -> set[str]:
    return {_absolute(source, link) for link in LINK.findall(text)}


def _code(path: str) -> str:
    language = SHOWN.get(PurePosixPath(path).suffix, "text")
    return f"# {path}\n\n````` {language}\n{(ROOT / path).read_text()}\n`````\n"


def _listing(folder: str, known: list[str]) -> str:
    names = [path.removeprefix(f"{folder}/") for path in known if path.startswith(f"{folder}/")]
    lines = (f"- [{name}]({name}.md)" if name.endswith(".yaml") else f"- {name}" for name in names)
    return "\n".join([f"# {folder}", "", *lines, ""])


def _decisions(texts: dict[str, str]) -> str:
    rows = (
        f"- [{text.splitlines()[0].removeprefix('# ')}]({posixpath.basename(path)})"
        for path, text in sorted(texts.items())
        if path.startswith("docs/decisions/0")
    )
    return "\n".join(["# Decisions", "", "Why Figtree is as it is, one decision a page.", "", *rows, ""])
