"""Hook of mkdocs: pages made of files outside docs/, and a reference page for each room of the package."""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

_ROOT = Path(__file__).parent.parent
_COPIED = {"index.md": "README.md", "contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}
_SOURCE = "https://github.com/kerascnn/kerascnn/blob/main/"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not in docs/."""
    pages = {name: _as_page((_ROOT / source).read_text(encoding="utf-8")) for name, source in _COPIED.items()}
    pages["reference/index.md"] = _package_page()
    for room in sorted(path.parent for path in (_ROOT / "kerascnn").glob("*/__init__.py")):
        pages[f"reference/{room.name}.md"] = _room_page(room)
    for name, content in pages.items():
        files.append(File.generated(config, name, content=content))
    return files


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """List the pages of the reference in the navigation."""
    rooms = sorted(path.parent.name for path in (_ROOT / "kerascnn").glob("*/__init__.py"))
    reference = [{"kerascnn": "reference/index.md"}, *({room: f"reference/{room}.md"} for room in rooms)]
    config.nav = [{"Reference": reference} if entry == {"Reference": "reference/"} else entry for entry in config.nav]
    return config


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links from docs/ to other files of the repository lead to the page that has them, or to the repository."""
    for name, source in _COPIED.items():
        markdown = markdown.replace(f"](../{source}", f"]({name}")
    return markdown.replace("](../", f"]({_SOURCE}") if "/" not in page.file.src_uri else markdown


def _as_page(text: str) -> str:
    """A text of the repository's root with links that hold in docs/."""
    text = re.sub(r"\]\((?!https?:|#|docs/)", "](../", text)
    return text.replace("](docs/", "](")


def _package_page() -> str:
    text = (_ROOT / "kerascnn" / "__init__.py").read_text(encoding="utf-8")
    names = re.findall(r'^    "(\w+)",$', text.split("__all__ = [")[1].split("]")[0], re.MULTILINE)
    homes = re.findall(r"from (kerascnn[\w.]*) import (?:\(([^)]*)\)|(.*))", text.split("TYPE_CHECKING:")[1])
    home_of = {name.strip(): home for home, many, few in homes for name in (many or few).split(",")}
    shown = [f"::: {home_of[name]}.{name}" for name in names if name in home_of]
    return "\n\n".join(["# kerascnn", "What `import kerascnn` offers.", *shown]) + "\n"


def _room_page(room: Path) -> str:
    modules = [path for path in sorted(room.rglob("*.py")) if path.name != "__init__.py"]
    names = [".".join(path.relative_to(_ROOT).with_suffix("").parts) for path in modules]
    return "\n\n".join([f"# kerascnn.{room.name}", *(f"::: {name}" for name in names)]) + "\n"
