"""The README is true: its commands run, its tables are the recorded figures, its map shows what is there."""

import importlib.util
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from conftest import clean_environment, copy_reference, write_idx_directory

import kerascnn
from kerascnn.datasets.samples import write_samples
from kerascnn.saving.model_files import find_shipped_model

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The contents of the fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def commands() -> list[str]:
    """Every kerascnn command of the README; those that train run a few batches only."""
    lines = [line.split("#")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    found = [line for line in lines if re.match(r"^(KERAS_BACKEND=\w+ )?kerascnn ", line)]
    return [f"{line} --dry-run" if re.search(" (fit|benchmark)", line) else line for line in found]


@pytest.fixture(scope="module")
def directory(tmp_path_factory, mnist, photo) -> Path:
    """What a reader of the README has at hand: the samples, trained models, and data of their own."""
    path = tmp_path_factory.mktemp("reader")
    write_samples(path / "samples")
    write_idx_directory(path / "idx", mnist, 400, 100)
    np.savez(path / "data.npz", x_train=mnist.train_images[:400], y_train=mnist.train_labels[:400],
             x_test=mnist.test_images[:100], y_test=mnist.test_labels[:100])  # fmt: skip
    for digit in range(3):
        (path / "scans" / str(digit)).mkdir(parents=True)
        for number in range(12):
            photo(digit, paper=200 + number).save(path / "scans" / str(digit) / f"{number}.png")
    header = ",".join(f"pixel{index}" for index in range(784))
    rows = [",".join(map(str, image.ravel())) for image in mnist.train_images[:100]]
    (path / "test.csv").write_text("\n".join([header, *rows]))
    labelled = [f"{label},{row}" for label, row in zip(mnist.train_labels, rows, strict=False)]
    (path / "train.csv").write_text("\n".join([f"label,{header}", *labelled]))
    photo(1).save(path / "scan.tif", save_all=True, append_images=[photo(2)])
    photo(1).save(path / "scan.pdf", save_all=True, append_images=[photo(digit) for digit in (2, 3, 4, 5, 6, 7)])
    write_plain(find_shipped_model(), path / "yours.keras")
    copy_reference(path / "saved_models" / "mnist_cnn.keras")
    mlp = path / "saved_models" / "mnist_mlp.keras"
    command = [sys.executable, "-m", "kerascnn", "fit", "--architecture", "mlp", "--epochs", "1", "--output", mlp]
    subprocess.run(command, env=clean_environment(), capture_output=True, check=True)
    return path


def write_plain(model: Path, path: Path) -> None:
    """Copy what Keras wrote of a model, without what kerascnn put beside it: a model of somebody else's."""
    with zipfile.ZipFile(model) as archive, zipfile.ZipFile(path, "w") as copy:
        for name in archive.namelist():
            if not name.startswith("kerascnn/"):
                copy.writestr(name, archive.read(name))


def test_it_is_short():
    assert len(README.split()) <= 1500


def test_the_two_commands_stand_at_its_head():
    assert [block.strip() for block in blocks("sh")[:2]] == [
        "pip install -e . && kerascnn fit",
        "pip install -e '.[test]' && pytest",
    ]


@pytest.mark.parametrize("command", commands())
def test_each_command_runs(directory, command):
    scripts = str(Path(sys.executable).parent)
    environment = clean_environment(PATH=f"{scripts}{os.pathsep}{os.environ['PATH']}")
    # A test runner may have no shell among its ancestors, by which typer would know which completion to show.
    environment["_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION"] = "1"
    result = subprocess.run(["bash", "-c", command], cwd=directory, env=environment, capture_output=True, check=False)
    assert result.returncode == 0, result.stderr.decode()
    assert result.stdout


def test_the_python_example_runs(directory):
    (code,) = blocks("python")
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=directory, env=clean_environment(), capture_output=True, text=True, check=True
    )
    first, second, accuracy = result.stdout.splitlines()
    assert (first.split()[0], second.split()[0]) == ("7", "4")
    assert float(accuracy) > 0.995


def test_tables_are_the_recorded_figures(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    spec = importlib.util.spec_from_file_location("tables", ROOT / "benchmarks" / "tables.py")
    tables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tables)
    assert {path.name for path in tables.DOCUMENTS} == {
        "README.md",
        "networks.md",
        "performance.md",
        "recipes.md",
        "results.md",
        "residuals.md",
        "segmentation.md",
        "tutorial.md",
    }
    for document, made in tables.DOCUMENTS.items():
        text = document.read_text(encoding="utf-8")
        assert tables.update_tables(text, made) == text, document


def test_the_map_shows_every_part_of_the_package():
    (house,) = re.findall(r"^```\nkerascnn/\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    shown = {line.split()[0].rstrip("/") for line in house.splitlines()}
    package = Path(kerascnn.__file__).parent
    there = {
        path.name for path in package.iterdir() if not path.name.startswith(("_", ".")) and path.name != "py.typed"
    }
    assert shown == there
