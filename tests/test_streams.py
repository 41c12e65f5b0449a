"""Names that an encoding lacks, closed streams and names with brackets lose no result."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import clean_environment

from kerascnn.cli.tables import new_table, stdout_console
from kerascnn.utils.backend import probe_devices


@pytest.fixture(scope="module")
def named(tmp_path_factory, photo) -> Path:
    """A picture by three names: one that Windows' encoding lacks, one that is no UTF-8, and a plain one."""
    directory = tmp_path_factory.mktemp("named")
    photo(7).save(directory / "seven.png")
    for name in ("ünï ☃.png".encode(), b"latin-\xe9.png"):
        (directory / os.fsdecode(name)).write_bytes((directory / "seven.png").read_bytes())
    return directory


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8:strict"])
def test_names_that_the_encoding_lacks_are_escaped(cli, named, encoding):
    result = cli("predict", named, "--format", "json", "--model", "reference", PYTHONIOENCODING=encoding)
    assert result.returncode == 0, result.stderr
    rows = [json.loads(line) for line in result.stdout.decode(encoding.partition(":")[0]).splitlines()]
    assert [row["digit"] for row in rows] == [7, 7, 7]
    assert {row["image"] for row in rows} == set(map(str, named.iterdir()))


def test_text_and_drawings_have_every_picture(cli, named, tmp_path):
    result = cli("predict", named, "-o", tmp_path / "drawn", PYTHONIOENCODING="cp1252")
    assert result.returncode == 0, result.stderr
    lines = result.stdout.decode("cp1252").splitlines()
    assert len(lines) == len(list((tmp_path / "drawn").glob("*.png"))) == 3
    assert any("\\u2603.png: 7" in line for line in lines)
    assert any("latin-\\udce9.png: 7" in line for line in lines)


def test_closed_streams_are_no_obstacle(named, tmp_path):
    # Without standard error its number is free, and a file of results could get it.
    command = f'"{sys.executable}" -P -m kerascnn predict "{named}/seven.png" -o drawn <&- 2>&-'
    result = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=clean_environment(), stdout=subprocess.PIPE, check=True
    )
    assert result.stdout.decode().startswith("7 ")
    assert (tmp_path / "drawn" / "seven.png").read_bytes().startswith(b"\x89PNG")


def test_names_with_brackets_are_printed_as_they_are(capsys):
    table = new_table("[class]", "[/]")
    table.add_row("[red]", "[/]")
    console = stdout_console()
    table.print(console)
    console.print("images of [bold]")
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["[class]", "[/]"],
        ["[red]", "[/]"],
        ["images", "of", "[bold]"],
    ]


def test_no_file_of_the_working_directory_is_run(tmp_path, monkeypatch):
    (tmp_path / "jax.py").write_text("open('ran', 'w')\n")
    monkeypatch.chdir(tmp_path)
    assert probe_devices(("jax",))["jax"]
    assert [path.name for path in tmp_path.iterdir()] == ["jax.py"]


def test_the_users_floats_change_nothing(workers, shared_digits, tmp_path):
    arguments = {"data": str(shared_digits), "output": str(tmp_path / "m.keras"), "floatx": "float64"}
    found = workers("tensorflow")("train_with_floatx", **arguments)
    assert (found["dtypes"], found["floatx"]) == (["float32"], "float64")
    assert np.isfinite(found["loss"])


@pytest.mark.parametrize("arguments", ["predict seven.png", "predict seven.png --format json", "--help"])
@pytest.mark.parametrize(("output", "words"), [(">&-", "it is closed"), ("> /dev/full", "no space left on device")])
def test_results_that_cannot_be_printed_are_an_error(tmp_path, photo, arguments, output, words):
    photo(7).save(tmp_path / "seven.png")
    command = f'"{sys.executable}" -P -m kerascnn {arguments} {output}'
    result = subprocess.run(
        command, shell=True, cwd=tmp_path, stderr=subprocess.PIPE, env=clean_environment(), check=False
    )
    assert result.returncode == 1, result.stderr
    assert b"standard output" in result.stderr
    assert words in result.stderr.decode()
    assert b"Traceback" not in result.stderr


def test_a_file_in_place_of_the_logs_is_told_before_any_work(cli, tmp_path):
    (tmp_path / "logs").write_text("mine")
    result = cli("fit", "--tensorboard", "logs/deep", "--output", "model.keras")
    assert result.returncode == 1
    assert b"--tensorboard logs/deep needs a directory, but logs is a file" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]
