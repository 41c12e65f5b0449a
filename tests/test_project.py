"""What a contributor reads is true: the files that CONTRIBUTING names exist, the metadata agree."""

import re
import tomllib
from pathlib import Path

import kerascnn

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_file_that_contributing_names_exists():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:kerascnn|tests|docs|benchmarks)/[\w./*]+)`", text)
    assert len(named) > 10
    for path in named:
        path = re.sub(r"NAME|SOURCE", "*", path)  # what a contributor writes
        assert list(ROOT.glob(path)), path


def test_the_layers_that_are_checked_are_the_rooms_that_there_are():
    (contract,) = [one for one in PROJECT["tool"]["importlinter"]["contracts"] if one["type"] == "layers"]
    rooms = {f"kerascnn.{path.parent.name}" for path in (ROOT / "kerascnn").glob("*/__init__.py")}
    assert set(contract["layers"]) == rooms


def test_the_changelog_and_the_citation_have_this_version():
    assert f"## {kerascnn.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"version: {kerascnn.__version__}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_links_between_documents_lead_somewhere():
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), (document.name, target)
