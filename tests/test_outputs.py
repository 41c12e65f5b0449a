"""Results replace nothing but earlier results of the same command: the user's files, byte by byte, through the CLI."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import assert_clear_failure, copy_reference
from PIL import Image

NOTES = b"the user's own bytes"


@pytest.fixture
def scans(tmp_path, photo) -> Path:
    """Two of the user's own pictures."""
    directory = tmp_path / "scans"
    directory.mkdir()
    for digit in (3, 7):
        photo(digit).save(directory / f"{digit}.png")
    return directory


def contents(directory: Path) -> dict[str, bytes]:
    """Every file below a directory by its path, hidden ones too."""
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.fixture
def refused(cli, tmp_path) -> Callable[..., None]:
    """Run a command that has to refuse before any work, and to leave every file as it was."""

    def run(*arguments, word: str) -> None:
        before = contents(tmp_path)
        result = cli(*arguments)
        assert_clear_failure(result, word)
        # One sentence only: no model was named, no data were read, no epoch was begun.
        assert len(result.stderr.decode().splitlines()) == 1, result.stderr
        assert contents(tmp_path) == before

    return run


@pytest.mark.parametrize("command", ["predict", "read"])
@pytest.mark.parametrize("output", ["scans", "./scans/../scans", "link"])
def test_pictures_are_not_replaced_by_their_drawings(refused, scans, tmp_path, command, output):
    (tmp_path / "link").symlink_to(scans, target_is_directory=True)
    refused(command, "scans", "--output", output, word="input of this command")
    refused(command, "scans/3.png", "--output", output, word="3.png")


def test_drawings_replace_no_other_picture(refused, cli, scans, tmp_path):
    (tmp_path / "out").mkdir()
    shutil.copy(scans / "3.png", tmp_path / "out" / "7.png")
    refused("predict", scans, "--model", "no-such-model.keras", "--output", "out", word="out/7.png exists already")
    (tmp_path / "out" / "7.png").unlink()
    (tmp_path / "out" / "7.png").symlink_to("nowhere")
    refused("read", "scans/7.png", "--output", "out", word="out/7.png exists already")


def test_drawings_are_made_again(cli, refused, scans, tmp_path):
    for command in ("predict", "read", "predict"):
        assert cli(command, "scans", "--output", "out").returncode == 0
        assert sorted(path.name for path in (tmp_path / "out").glob("*.png")) == ["3.png", "7.png"]
    drawing = (tmp_path / "out" / "7.png").read_bytes()
    # A drawing is refused as a picture to draw over, and so is a picture that was put in the place of a drawing.
    refused("predict", "out/7.png", "--output", "out", word="input of this command")
    shutil.copy(scans / "7.png", tmp_path / "out" / "7.png")
    refused("predict", "scans/7.png", "--output", "out", word="exists already")
    (tmp_path / "out" / "7.png").unlink()  # as after a run that was killed
    assert cli("predict", "scans", "--output", "out").returncode == 0
    assert (tmp_path / "out" / "7.png").read_bytes() == drawing


def test_drawings_below_the_pictures_are_not_read_again(cli, scans):
    for _ in range(2):
        result = cli("predict", "scans", "--output", "scans/drawn")
        assert result.returncode == 0, result.stderr
        assert len(result.stdout.splitlines()) == 2
    assert sorted(path.name for path in scans.rglob("*.png")) == ["3.png", "3.png", "7.png", "7.png"]


def test_synthetic_pages_replace_only_themselves(cli, refused, tmp_path):
    for _ in range(2):
        assert cli("synthesize", "pages", "--style", "plain").returncode == 0
    refused("read", "pages", "--output", "pages", word="pages/plain-0.png")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "labels.csv").write_bytes(NOTES)
    refused("synthesize", "other", "--style", "plain", word="other/labels.csv")
    (tmp_path / "other" / ".kerascnn.json").write_text("no list of ours")
    refused("synthesize", "other", word=".kerascnn.json")


def test_a_report_replaces_only_a_report(cli, refused, small_digits, tmp_path):
    model, other = copy_reference(tmp_path / "x" / "...keras"), copy_reference(tmp_path / "y" / "b.csv.keras")
    both = ("evaluate", "--model", model, "--model", other, "--data", small_digits, "--output")
    for _ in range(2):
        assert cli(*both, "ev/out").returncode == 0
    assert [path.name for path in (tmp_path / "ev").iterdir()] == ["out"]
    assert {path.name for path in (tmp_path / "ev" / "out").iterdir() if path.is_dir()} == {"__", "b_csv"}
    (tmp_path / "taken" / "b_csv").mkdir(parents=True)
    (tmp_path / "taken" / "b_csv" / "mistakes.csv").write_bytes(NOTES)
    refused(*both, "taken", word="b_csv/mistakes.csv")
    (tmp_path / "single").mkdir()
    (tmp_path / "single" / "report.html").write_bytes(NOTES)
    refused("evaluate", "--data", small_digits, "--output", "single", word="single/report.html")


def test_each_picture_has_its_own_explanation(cli, refused, photo, tmp_path):
    for digit in (1, 2):
        (tmp_path / str(digit)).mkdir()
        photo(digit).save(tmp_path / str(digit) / "a.png")
    options = ("--model", "segmenter", "--format", "json")
    reports = [
        json.loads(cli("explain", picture, *options).stdout)["report"]
        for picture in ("1/a.png", "2/a.png", "1/a.png", "2/a.png")
    ]
    assert reports == ["explained/a/report.html", "explained/a-2/report.html"] * 2
    photo(3).save(tmp_path / "mask.png")
    refused("explain", "mask.png", "--output", ".", *options, word="mask.png")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "feature-maps-conv1.png").write_bytes(NOTES)
    refused("explain", "mask.png", "--output", "full", word="feature-maps-conv1.png")


def test_explanations_check_every_name_that_they_write(cli, photo, tmp_path):
    from kerascnn.explaining.explanation_files import FEATURE_MAPS, FIGURES

    photo(4).save(tmp_path / "four.png")
    written = set()
    for _ in range(2):
        result = cli("explain", "four.png", "--model", "lecture", "--output", "out")
        assert result.returncode == 0, result.stderr
        written |= {Path(line).name for line in result.stdout.decode().splitlines()}
    unknown = {name for name in written if name.removesuffix(".png") not in FIGURES}
    assert {name for name in unknown if not name.startswith(FEATURE_MAPS)} == {"report.html"}


@pytest.mark.parametrize("suffix", [".keras", ".onnx", ".csv", ".png", ".json", ".run/notes.txt"])
def test_training_replaces_nothing_beside_a_model(refused, small_digits, tmp_path, suffix):
    path = tmp_path / f"photo{suffix}"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(NOTES)
    refused("fit", "--data", small_digits, "--output", "photo.keras", word=f"photo{suffix.split('/')[0]}")


def test_training_replaces_only_what_the_card_names_as_it_is(refused, small_digits, tmp_path):
    copy_reference(tmp_path / "photo.keras")
    (tmp_path / "photo.csv").write_bytes(NOTES)
    refused("fit", "--data", small_digits, "--output", "photo", word="photo.csv")


def test_an_ensemble_replaces_no_member_and_no_other_file(refused, tmp_path):
    for name in "ab":
        copy_reference(tmp_path / f"{name}.keras")
    (tmp_path / "link.keras").symlink_to("a.keras")
    refused("ensemble", "a.keras", "b.keras", "--output", "a.keras", word="one of the models to read")
    refused("ensemble", "link.keras", "b.keras", "--output", "a", word="one of the models to read")
    (tmp_path / "e.onnx").write_bytes(NOTES)
    refused("ensemble", "a.keras", "b.keras", "--output", "e.keras", word="e.onnx")


def test_models_and_runs_replace_their_own(cli, small_digits, tmp_path):
    command = ("fit", "--data", small_digits, "--architecture", "mlp", "--epochs", 1, "--output", "m")
    assert cli(*command).returncode == 0
    (tmp_path / "m.run").mkdir()
    (tmp_path / "m.run" / "epoch-0001.npz").write_bytes(b"left by a killed run")
    first = contents(tmp_path)
    assert cli(*command).returncode == 0
    assert {"m.keras", "m.onnx", "m.csv", "m.png", "m.json"} <= set(contents(tmp_path)) <= set(first)
    assert contents(tmp_path)["m.json"] != first["m.json"]


def test_a_figure_replaces_only_a_figure(cli, refused, scans, tmp_path):
    refused("models", "--figure", "scans/3.png", word="scans/3.png")
    (tmp_path / "notes.png").write_bytes(NOTES)
    refused("models", "--figure", "notes.png", word="notes.png")
    for _ in range(2):
        assert cli("models", "--figure", "overview.png").returncode == 0


def test_what_appears_during_the_work_is_not_replaced(tmp_path):
    from kerascnn.utils.errors import OutputError
    from kerascnn.utils.outputs import OutputDirectory

    output = OutputDirectory(tmp_path / "out", "report", ["a.csv", "b.csv"])
    assert not (tmp_path / "out").exists()
    output.write("a.csv", b"result")
    (tmp_path / "out" / "b.csv").write_bytes(NOTES)
    with pytest.raises(OutputError, match=r"b\.csv exists already"):
        output.write("b.csv", b"result")
    assert (tmp_path / "out" / "b.csv").read_bytes() == NOTES


def test_pictures_of_one_name_have_a_drawing_each(cli, scans, digit_image, tmp_path):
    (tmp_path / "more").mkdir()
    Image.fromarray(digit_image(5)).save(tmp_path / "more" / "3.png")
    assert cli("predict", "scans", "more/3.png", "--output", "out").returncode == 0
    assert sorted(path.name for path in (tmp_path / "out").glob("*.png")) == ["3-2.png", "3.png", "7.png"]
