"""At a terminal: results that go to a file are all there, while progress is shown on the terminal."""

import json
import os
import pty
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import clean_environment
from PIL import Image

from kerascnn.cli.progress import FitProgress
from kerascnn.training.progress import RunStart


def run_at_terminal(*arguments, cwd: Path, **variables: str) -> tuple[int, str, str]:
    """Run a command whose stderr is a terminal and whose stdout is a file.

    Returns:
        The exit code, the content of the file, and what the terminal was sent.
    """
    master, slave = pty.openpty()
    shown: list[bytes] = []

    def drain() -> None:
        while True:
            try:
                chunk = os.read(master, 65536)
            except OSError:  # on Linux, the end of a terminal that nobody holds any more
                return
            if not chunk:
                return
            shown.append(chunk)

    reader = threading.Thread(target=drain)
    with (cwd / "out.txt").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "kerascnn", *map(str, arguments)],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=slave,
            env=clean_environment(TERM="xterm", COLUMNS="80", **variables),
        )
        os.close(slave)
        reader.start()
        code = process.wait()
    reader.join()
    os.close(master)
    return code, (cwd / "out.txt").read_text(), b"".join(shown).decode()


@pytest.fixture(scope="module")
def many_pictures(tmp_path_factory, mnist) -> Path:
    """More pictures than are recognised at once."""
    directory = tmp_path_factory.mktemp("terminal")
    (directory / "scans").mkdir()
    for index in range(260):
        Image.fromarray(mnist.test_images[index]).save(directory / "scans" / f"{index:04d}.png")
    return directory


@pytest.mark.parametrize("format", ["text", "json", "csv"])
def test_predict_at_a_terminal_writes_every_result_to_the_file(many_pictures, format):
    code, out, shown = run_at_terminal("predict", "scans", "--format", format, cwd=many_pictures)
    assert code == 0
    lines = out.splitlines()
    assert len(lines) == 260 + (format == "csv")
    assert "0259.png" in lines[-1]
    assert "pictures" in shown  # the bar
    assert "0259.png" not in shown


def test_predict_with_strips_at_a_terminal_writes_every_result(many_pictures):
    code, out, _ = run_at_terminal("predict", "scans", "--format", "json", "--output", "strips", cwd=many_pictures)
    assert code == 0
    assert len([json.loads(line) for line in out.splitlines()]) == 260
    assert len(list((many_pictures / "strips").glob("*.png"))) == 260


def test_frames_of_one_file_are_counted_while_they_are_decoded(tmp_path, mnist):
    first, *others = [Image.fromarray(image) for image in mnist.test_images[:30]]
    first.save(tmp_path / "frames.gif", save_all=True, append_images=others)
    code, out, shown = run_at_terminal("predict", "frames.gif", cwd=tmp_path)
    assert (code, out.count("\n")) == (0, 30)
    assert "30/30" in shown


def test_read_at_a_terminal_writes_every_result(many_pictures, photo):
    (many_pictures / "pages").mkdir()
    for digit in range(3):
        photo(digit).save(many_pictures / "pages" / f"{digit}.png")
    code, out, _ = run_at_terminal("read", "pages", "--format", "json", cwd=many_pictures)
    assert code == 0
    assert [json.loads(line)["lines"][0]["text"] for line in out.splitlines()] == ["0", "1", "2"]


def test_fit_at_a_terminal_writes_its_card_to_the_file(tmp_path, shared_digits):
    options = ("--data", shared_digits, "--architecture", "mlp", "--dry-run", "--format", "json")
    code, out, shown = run_at_terminal("fit", *options, cwd=tmp_path)
    assert code == 0
    assert json.loads(out)["architecture"] == "mlp"
    assert "epoch 1/" in shown


JUPYTER = {"JPY_PARENT_PID": "1", "FORCE_COLOR": "1", "CLICOLOR_FORCE": "1"}
"""What Jupyter gives the commands of a cell, beside a terminal; it keeps all that is sent there."""


@pytest.mark.parametrize("variables", [{"FORCE_COLOR": "1"}, JUPYTER])
def test_a_training_in_a_notebook_prints_plain_lines(monkeypatch, capsys, variables):
    for name in ("JPY_PARENT_PID", "MPLBACKEND"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    progress = FitProgress()
    progress.run_started(RunStart((60, 28, 28), (60,), 9, "cnn", 1000, "jax", 2, 0, 3))
    for epoch in range(2):
        progress.epoch_started(epoch)
        for step in range(3):
            progress.step_finished(step + 1)
        row = {"loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5, "seconds": 1.0}
        progress.epoch_finished({"epoch": epoch + 1, **row})
    progress.training_finished()
    shown = capsys.readouterr().err
    if variables == JUPYTER:
        assert [line.split()[0] for line in shown.splitlines()] == ["data:", "model:", "epoch", "epoch"]
        assert "\x1b" not in shown
    else:
        assert "images/s" in shown  # the bar of a terminal
        assert "\x1b" in shown


def test_a_notebook_of_another_environment_does_not_keep_keras_from_starting(tmp_path):
    """Its kernel names a module for matplotlib, which Keras imports, and that module need not be here."""
    backend = "module://matplotlib_inline.backend_inline"
    code, out, _ = run_at_terminal("summary", "--architecture", "mlp", cwd=tmp_path, MPLBACKEND=backend)
    assert code == 0
    assert "Dense" in out


def test_predict_in_a_notebook_shows_no_bar(many_pictures):
    code, out, shown = run_at_terminal("predict", "scans", cwd=many_pictures, **JUPYTER)
    assert (code, len(out.splitlines())) == (0, 260)
    assert shown.startswith("model: ")
    assert len(shown.splitlines()) == 1


def test_explain_and_evaluate_at_a_terminal_write_their_results_to_the_file(tmp_path, photo, shared_digits):
    photo(4).save(tmp_path / "four.png")
    code, out, shown = run_at_terminal("explain", "four.png", "--format", "json", "--backend", "jax", cwd=tmp_path)
    assert (code, json.loads(out)["label"]) == (0, "4")
    assert "drawing" in shown
    code, out, _ = run_at_terminal("evaluate", "--data", shared_digits, "--format", "json", cwd=tmp_path)
    assert (code, json.loads(out)["num_samples"]) == (0, 200)
