"""The tutorial is true: its code and commands print what it says, its figures and its notebook are its own."""

import importlib
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import clean_environment
from PIL import Image

from kerascnn.saving.model_files import LECTURE, REFERENCE, find_shipped_model
from kerascnn.saving.stored_model import read_card

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
TEXT = (DOCS / "tutorial.md").read_text(encoding="utf-8")

# Runs blocks of Python one after the other, as a notebook would, and prints what each has printed.
RUNNER = """
import contextlib, io, json, sys
names, printed = {}, []
for code in json.load(sys.stdin):
    stream = io.StringIO()
    with contextlib.redirect_stdout(stream):
        exec(compile(code, "tutorial", "exec"), names)
    printed.append(stream.getvalue())
print(json.dumps(printed))
"""


def module(name: str):
    """A module of docs/, which is no package."""
    sys.path.insert(0, str(DOCS))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(DOCS))


blocks = module("blocks")
BLOCKS = blocks.blocks(TEXT)


def following(number: int):
    """What is said to be printed by a block, or None."""
    after = BLOCKS[number + 1 : number + 2]
    # One sentence may stand between: "Something like".
    if after and after[0].kind == "prose" and after[0].content == "Something like":
        after = BLOCKS[number + 2 : number + 3]
    return after[0] if after and after[0].kind in ("output", "text") else None


def assert_printed(printed: str, expected) -> None:
    """Exactly, or its end, or the same but for the numbers."""
    if expected.kind == "text":
        assert without_numbers(printed) == without_numbers(expected.content)
    elif expected.content.startswith("...\n"):
        assert printed.endswith(expected.content.removeprefix("..."))
    else:
        assert printed == expected.content


def without_numbers(text: str) -> str:
    """The text with # for each number."""
    return re.sub(r"\d+(\.\d+)?", "#", text)


@pytest.fixture(scope="module")
def directory(tmp_path_factory) -> Path:
    """Where a reader works."""
    return tmp_path_factory.mktemp("student")


@pytest.fixture(scope="module")
def printed(directory) -> dict[int, str]:
    """What each block of Python prints, by the block's number."""
    numbers = [number for number, block in enumerate(BLOCKS) if block.kind == "python"]
    result = subprocess.run(
        [sys.executable, "-c", RUNNER],
        input=json.dumps([BLOCKS[number].content for number in numbers]).encode(),
        capture_output=True,
        cwd=directory,
        env=clean_environment(KERAS_BACKEND="tensorflow"),
        check=False,
    )
    assert result.returncode == 0, result.stderr.decode()[-2000:]
    return dict(zip(numbers, json.loads(result.stdout.splitlines()[-1]), strict=True))


def test_the_code_prints_what_the_tutorial_says(printed):
    expected = {number: following(number) for number in printed}
    for number, block in expected.items():
        if block:
            assert_printed(printed[number], block)
        else:
            assert printed[number] == ""
    assert sum(block is not None for block in expected.values()) >= 10


def test_softmax_twice_costs_accuracy(printed):
    (text,) = [text for text in printed.values() if text.startswith("softmax once")]
    once, twice = (float(line.split()[-1].rstrip("%")) for line in text.splitlines())
    assert once > twice + 0.5


@pytest.mark.parametrize("number", [number for number, block in enumerate(BLOCKS) if block.kind == "sh"])
def test_each_command_runs(directory, printed, number):
    scripts = str(Path(sys.executable).parent)
    environment = clean_environment(PATH=f"{scripts}{os.pathsep}{os.environ['PATH']}", COLUMNS="80")
    expected = following(number)
    for command in BLOCKS[number].content.splitlines():
        words = command.split() + (["--dry-run"] if " fit" in command else [])
        result = subprocess.run(words, cwd=directory, env=environment, capture_output=True, check=False)
        assert result.returncode == 0, result.stderr.decode()
        assert result.stdout
        if expected:
            assert_printed(result.stdout.decode(), expected)


def test_the_comparison_of_softmax_once_and_twice_runs():
    command = [sys.executable, str(ROOT / "benchmarks" / "softmax_twice.py"), "--dry-run"]
    record = ROOT / "benchmarks" / "results" / "softmax-twice.json"
    before = record.read_bytes()
    result = subprocess.run(command, capture_output=True, env=clean_environment(), check=True)
    runs = [json.loads(line) for line in result.stdout.splitlines()]
    assert [run["softmax_count"] for run in runs] == [1, 2]
    # Nothing is learned yet in the first batches: both know as much as chance, ln 10.
    assert all(2.2 < run["history"][0]["loss"] < 2.4 for run in runs)
    assert record.read_bytes() == before


def test_the_comparison_and_the_models_that_ship_stand_in_its_tables():
    for name in (REFERENCE, LECTURE):
        accuracy = read_card(find_shipped_model(name)).metrics["test_accuracy"]
        assert f"{100 * accuracy:.2f} %" in TEXT.split("<!-- state-of-the-art -->")[1]
    record = json.loads((ROOT / "benchmarks" / "results" / "softmax-twice.json").read_text(encoding="utf-8"))
    once, twice = ([run for run in record["runs"] if run["softmax_count"] == count] for count in (1, 2))
    assert [run["seed"] for run in once] == [run["seed"] for run in twice]
    assert len(once) >= 3
    assert min(run["test_accuracy"] for run in once) > max(run["test_accuracy"] for run in twice)


def test_every_figure_is_made_by_the_task_and_shown():
    figures = module("figures")
    shown = re.findall(r"^!\[.+\]\(images/(.+)\.png\)$", TEXT, re.MULTILINE)
    drawn = {*figures.list_drawings(), *figures.EXPLAIN, *(name.replace("_", "-") for name in figures.EVALUATE), "page"}
    assert len(shown) == len(set(shown))
    assert set(shown) == drawn
    for path in [DOCS / "images" / f"{name}.png" for name in shown]:
        with Image.open(path) as picture:
            assert picture.format == "PNG"
            assert picture.width > 400


def shrink(picture: Image.Image) -> np.ndarray:
    """Reduce a picture to 100 x 50 colours, in which another version's fonts and edges hardly show."""
    return np.asarray(picture.convert("RGB").resize((100, 50), Image.Resampling.BOX), float)


def test_the_figures_that_no_command_draws_are_those_that_are_kept():
    for name, png in module("figures").list_drawings().items():
        with Image.open(io.BytesIO(png())) as drawn, Image.open(DOCS / "images" / f"{name}.png") as kept:
            assert abs(drawn.width / drawn.height - kept.width / kept.height) < 0.02, name
            assert np.abs(shrink(drawn) - shrink(kept)).mean() < 1, name


def test_the_notebook_is_the_tutorial():
    notebook = json.loads((DOCS / "tutorial.ipynb").read_text(encoding="utf-8"))
    cells = [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]
    assert cells == blocks.cells(TEXT)
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert not any(cell.get("outputs") for cell in notebook["cells"])


def test_the_notebook_shows_the_figures_that_its_commands_have_made():
    notebook = json.loads((DOCS / "tutorial.ipynb").read_text(encoding="utf-8"))
    sources = ["".join(cell["source"]) for cell in notebook["cells"]]
    written = [path for source in sources for path in re.findall(r'^Figure\("(.+?)"', source, re.MULTILINE)]
    assert written == [
        "saved_models/mnist_cnn.png",
        *(f"explained/image/{name}.png" for name in blocks.EXPLAIN),
        *(f"evaluation/{name}.png" for name in blocks.EVALUATE),
        "found/photo.png",
    ]
    # Each follows the command that writes it, and none is shown as it was when the tutorial was written.
    commands = {"saved_models": "!kerascnn fit", "explained": "!kerascnn explain", "evaluation": "!kerascnn evaluate"}
    for directory, command in commands.items():
        shown = [index for index, source in enumerate(sources) if f'Figure("{directory}/' in source]
        assert any(source.startswith(command) for source in sources[: shown[0]])
        assert "import Image as Figure" in sources[shown[0]]
    kept = re.findall(r"images/(.+?)\.png", "".join(sources))
    assert not {name for name in kept if name in blocks.MADE}
