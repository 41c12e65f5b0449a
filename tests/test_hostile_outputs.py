"""Whatever is named as an output, and whatever lies there: no file of the user's is lost, and one sentence says why."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import clean_environment, copy_reference
from limits import MIB
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from kerascnn.utils.png import encode_png

pytestmark = pytest.mark.hostile

LIMITS = (2000 * MIB, 60)
"""One process for all commands."""

NOTES = b"the user's own bytes"


@pytest.fixture
def place(tmp_path, photo, limited) -> Path:
    """The user's directory, in which commands run: two pictures and some notes."""
    (tmp_path / "scans").mkdir()
    for digit in (3, 7):
        photo(digit).save(tmp_path / "scans" / f"{digit}.png")
    (tmp_path / "notes").write_bytes(NOTES)
    limited("os:chdir", path=tmp_path)
    return tmp_path


def contents(directory: Path) -> dict[bytes, bytes]:
    """Every file below a directory by its path, links followed."""
    return {os.fsencode(path): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.fixture
def lossless(limited, place) -> Callable:
    """Run a command that must leave every file as it was, and print one sentence if it refuses."""

    def run(*arguments, code: int):
        before = contents(place)
        result = limited.run_cli(*arguments)
        assert result.returncode == code, result.stderr
        after = contents(place)
        assert {path: after.get(path) for path in before} == before
        if code:
            assert len(result.stderr.splitlines()) == 1, result.stderr
            assert after.keys() == before.keys()
        return result

    return run


def link_directory(place: Path) -> None:
    (place / "out").symlink_to("scans", target_is_directory=True)


def link_file(place: Path) -> None:
    (place / "out").mkdir()
    (place / "out" / "3.png").symlink_to(place / "scans" / "3.png")


def link_hard(place: Path) -> None:
    (place / "out").mkdir()
    (place / "out" / "3.png").hardlink_to(place / "scans" / "3.png")


def link_nowhere(place: Path) -> None:
    (place / "out").mkdir()
    (place / "out" / "3.png").symlink_to("nowhere")


def put_other_picture(place: Path) -> None:
    (place / "out").mkdir()
    shutil.copy(place / "scans" / "7.png", place / "out" / "3.png")


def put_directory(place: Path) -> None:
    (place / "out" / "3.png").mkdir(parents=True)


def put_pipe(place: Path) -> None:
    (place / "out").mkdir()
    os.mkfifo(place / "out" / "3.png")


def put_file(place: Path) -> None:
    (place / "out").write_bytes(NOTES)


def write_manifest(content: str) -> Callable[[Path], None]:
    """Make a preparation: a manifest, and a picture of the user's beside it."""

    def prepare(place: Path) -> None:
        put_other_picture(place)
        (place / "out" / ".kerascnn.json").write_text(content)

    return prepare


def list_files(**files) -> str:
    """Write a manifest that lists files as drawings."""
    return json.dumps({"format": 2, "source": "", "files": {"drawings": files}})


def link_manifest(place: Path) -> None:
    (place / "out").mkdir()
    (place / "out" / ".kerascnn.json").symlink_to(place / "notes")


def put_manifest_pipe(place: Path) -> None:
    (place / "out").mkdir()
    os.mkfifo(place / "out" / ".kerascnn.json")


def put_manifest_directory(place: Path) -> None:
    (place / "out" / ".kerascnn.json").mkdir(parents=True)


@pytest.mark.parametrize(
    ("prepare", "output"),
    [
        *((None, name) for name in ("scans", "scans/", "./scans", "scans/../scans", "../{}/scans", "{place}/scans")),
        *(
            (prepare, "out")
            for prepare in (
                *(link_directory, link_file, link_hard, link_nowhere, put_other_picture, put_directory, put_pipe),
                *(put_file, link_manifest, put_manifest_pipe, put_manifest_directory),
                *map(
                    write_manifest,
                    (
                        list_files(**{"3.png": []}),
                        list_files(**{"../scans/3.png": []}),
                        list_files(**{"/etc/passwd": []}),
                        list_files(**{"3.png": 5}),
                        list_files(**{"3.png": [{"a": 1}]}),
                        '{"format": 2, "source": "", "files": []}',
                        '{"format": 2, "files": {}}',
                        '{"format": 1, "source": "", "files": {"drawings": ["3.png"]}}',
                        "[" * 100_000,
                        "\0",
                        "",
                    ),
                ),
            )
        ),
    ],
)
def test_drawings_replace_nothing_of_the_users(lossless, place, prepare, output):
    if prepare:
        prepare(place)
    lossless("predict", "scans", "--output", output.format(place.name, place=place), code=1)


def test_a_manifest_that_knows_the_users_picture_does_not_make_it_ours(lossless, place):
    from kerascnn.utils.files import compute_sha256

    write_manifest(list_files(**{"3.png": [compute_sha256(place / "scans" / "7.png")]}))(place)
    lossless("predict", "scans/3.png", "--output", "out", code=1)
    # Nor does it keep the picture from being read.
    result = lossless("predict", "out", "scans/3.png", code=0)
    assert b"out/3.png: 7" in result.stdout


def test_results_that_the_user_has_changed_are_kept(lossless, limited, place):
    assert limited.run_cli("predict", "scans", "--output", "out").returncode == 0
    assert limited.run_cli("sample", "try").returncode == 0
    assert limited.run_cli("synthesize", "pages", "--style", "plain").returncode == 0
    drawing = place / "out" / "7.png"
    mark = PngInfo()
    mark.add_text("Software", "kerascnn")  # a picture editor keeps it
    with Image.open(drawing) as image:
        image.rotate(90).save(drawing, pnginfo=mark)
    (place / "try" / "page.txt").write_bytes(NOTES)
    (place / "pages" / "labels.csv").write_bytes(NOTES)
    lossless("predict", "scans", "--output", "out", code=1)
    lossless("sample", "try", code=1)
    lossless("synthesize", "pages", "--style", "plain", code=1)
    shutil.rmtree(place / "try" / "digits")
    (place / "try" / "page.txt").unlink()
    (place / "more").mkdir()
    (place / "try" / "digits").symlink_to(place / "more", target_is_directory=True)
    lossless("sample", "try", code=1)


@pytest.mark.parametrize(
    "arguments",
    [
        ("models", "--figure", "scans/3.png"),
        ("models", "--figure", "m.png"),
        ("models", "--figure", "link.png"),
        ("models", "--figure", "nowhere.png"),
        ("explain", "scans/3.png", "--model", "segmenter", "--output", "mine"),
        ("explain", "mine/mask.png", "--model", "segmenter", "--output", "mine/"),
        ("evaluate", "--model", "m.keras", "--output", "mine"),
        ("evaluate", "--model", "m.keras", "--output", "notes"),
        *(
            ("fit", "--output", name)
            for name in ("scans", "scans/", "notes/m.keras", "link.keras", "other.keras", "./other", "run")
        ),
        ("fit", "--from", "m.keras", "--output", "m.keras"),
        ("fit", "--from", "m.keras", "--output", "./scans/../m"),
        ("ensemble", "m.keras", "reference", "--output", "m.keras"),
        ("ensemble", "m.keras", "reference", "--output", "link.keras"),
        ("ensemble", "m.keras", "reference", "--output", "other"),
        ("card", "plain.keras", "--scale", "255"),
    ],
)
def test_no_command_replaces_what_it_did_not_make(lossless, place, arguments):
    copy_reference(place / "m.keras")
    shutil.copy(place / "m.keras", place / "plain.keras")
    (place / "m.json").rename(place / "kept.json")
    shutil.copy(place / "kept.json", place / "m.json")
    (place / "kept.json").unlink()
    (place / "plain.json").write_bytes(NOTES)
    (place / "link.png").symlink_to("scans/3.png")
    (place / "nowhere.png").symlink_to("missing")
    (place / "link.keras").symlink_to("m.keras")
    (place / "other.csv").write_bytes(NOTES)
    (place / "run.run").mkdir()
    (place / "run.run" / "diary").write_bytes(NOTES)
    (place / "mine").mkdir()
    for name in ("report.html", "confusion_matrix.csv"):
        (place / "mine" / name).write_bytes(NOTES)
    shutil.copy(place / "scans" / "3.png", place / "mine" / "mask.png")
    lossless(*arguments, code=1)


NAMES = [
    *("...png", ".png", "a .png", "con.png", "a\nb.png", "\x1b[2Ka.png", "\u202egnp.png", "\u200b.png"),
    *("é" * 122 + ".png", "a" * 251 + ".png"),
]


def test_every_name_of_a_picture_has_a_drawing_in_the_directory(lossless, place):
    (place / "odd").mkdir()
    names = [*NAMES, os.fsdecode(b"\xff\xfe.png"), "a.png", "a.PNG"]
    for name in names:
        shutil.copy(place / "scans" / "3.png", place / "odd" / name)
    pictures = [f"odd/{name}" for name in names]
    result = lossless("predict", *pictures, "--output", "out", "--format", "json", code=0)
    assert [json.loads(line)["image"] for line in result.stdout.splitlines()] == pictures
    assert len(list((place / "out").glob("[!.]*.png"))) == len(names)
    lossless("explain", "odd/...png", "--model", "segmenter", code=0)
    assert len(list((place / "explained").iterdir())) == 1
    assert sorted(path.name for path in place.iterdir()) == ["explained", "notes", "odd", "out", "scans"]


def test_results_are_not_read_as_pictures(lossless, place):
    (place / "scans" / "m.keras").write_bytes(NOTES)
    (place / "scans" / "m.png").write_bytes(encode_png(Image.new("L", (40, 40))))  # learning curves
    for _ in range(2):
        result = lossless("predict", "scans", code=0)
        assert len(result.stdout.splitlines()) == 2
        shutil.rmtree(place / "scans" / "drawn", ignore_errors=True)
        lossless("read", "scans", "--output", "scans/drawn", code=0)


def test_the_second_writer_is_told(lossless, limited, place):
    from kerascnn.utils.locks import reserve_output

    with reserve_output(place / "out"), reserve_output(place / "m.keras"):
        for command in (
            ("predict", "scans", "--output", "out"),
            ("sample", "./out"),
            ("fit", "--output", "m"),
            ("ensemble", "reference", "lecture", "--output", "m.keras"),
        ):
            result = lossless(*command, code=1)
            assert f"process {os.getpid()}".encode() in result.stderr
    assert sorted(path.name for path in place.iterdir()) == ["notes", "scans"]


def test_what_a_killed_process_left_is_removed_and_nothing_else(limited, place):
    from kerascnn.utils.staging import staging_directory

    abandoned, foreign = place / ".kerascnn-abandone", place / ".kerascnn-pictures"
    for directory in (abandoned, foreign):
        directory.mkdir()
        (directory / "model.keras").write_bytes(NOTES)
    (abandoned / "lock").write_text("kerascnn\n")
    (place / ".kerascnn-0123456789abcdef.lock").write_text("1\n")
    with staging_directory(place / "other") as live:
        (live / "half").write_bytes(NOTES)
        assert limited.run_cli("sample", "try").returncode == 0
        assert (live / "half").read_bytes() == NOTES
    assert sorted(path.name for path in place.iterdir()) == [".kerascnn-pictures", "notes", "scans", "try"]
    assert (foreign / "model.keras").read_bytes() == NOTES


def test_a_run_that_is_killed_between_its_files_can_be_repeated(tmp_path):
    code = """import os, sys
from pathlib import Path
from kerascnn.utils.outputs import OutputDirectory
from kerascnn.utils.png import encode_png
from PIL import Image
for shade in map(int, sys.argv[1:]):
    with OutputDirectory(Path("pages"), "synthetic pages", ["a.png", "b.png", "labels.csv"]) as output:
        for name in ("a.png", "b.png", "labels.csv"):
            if shade == 2 and name == "b.png":
                os._exit(9)
            output.write(name, b"%d" % shade if name[0] == "l" else encode_png(Image.new("L", (8, 8), shade)))
"""
    for shades, code_of_exit in ((("1", "2"), 9), (("2",), 9), (("3",), 0)):
        result = subprocess.run(
            [sys.executable, "-P", "-c", code, *shades],
            cwd=tmp_path,
            capture_output=True,
            env=clean_environment(),
            check=False,
        )
        assert result.returncode == code_of_exit, result.stderr
    assert (tmp_path / "pages" / "labels.csv").read_bytes() == b"3"
    names = [".kerascnn.json", "a.png", "b.png", "labels.csv"]
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == names


FORGED = "a.png: 3  99.9 %\nb\x1b[2K\x9b1A\u202e\u2028\u200f\udcff.png"
SHOWN = r"a.png: 3  99.9 %\nb\x1b[2K\x9b1A\u202e\u2028\u200f\udcff.png"


def test_no_name_forges_or_erases_a_line(limited, place):
    shutil.copy(place / "scans" / "3.png", place / FORGED)
    (place / f"bad{FORGED}").write_bytes(NOTES)
    pictures = ("scans/7.png", FORGED, f"bad{FORGED}")
    for command in ("predict", "read"):
        result = limited.run_cli(command, *pictures)
        assert result.returncode == 1
        assert f"{SHOWN}:" in result.stdout.decode()
        assert f"kerascnn: bad{SHOWN} is not a picture" in result.stderr.decode()
        assert (result.stdout + result.stderr).decode().replace("\n", "").isprintable()
    written = limited.run_cli("predict", *pictures, "--format", "json").stdout.decode()
    assert json.loads(written.splitlines()[1])["image"] == FORGED  # exact
    assert written.replace("\n", "").isprintable()
    table = limited.run_cli("predict", *pictures, "--format", "csv").stdout.decode()
    rows = list(csv.reader(io.StringIO(table, newline="")))
    assert rows[2][:2] == [FORGED.replace("\udcff", r"\udcff"), "3"]
    for arguments in (("predict", f"--{FORGED}"), (FORGED,), ("fit", "--output", f"m.{FORGED}")):
        result = limited.run_cli(*arguments)
        assert result.returncode == 2
        assert b"\x1b" not in result.stderr
        assert r"\x1b[2K\x9b1A\u202e" in result.stderr.decode()


def test_no_name_of_a_class_or_a_layer_forges_a_line(capsys):
    from kerascnn.cli.printing import print_predictions
    from kerascnn.cli.tables import new_table, stdout_console
    from kerascnn.inference.predictor import Prediction

    print_predictions([("a.png", Prediction(FORGED, None, 0.5, (1.0,)))], [FORGED], 1, "text", single=True)
    table = new_table("class", FORGED)
    table.add_row(FORGED, ":smile: [bold]")
    table.print(stdout_console())
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{SHOWN}  50.0 %"
    assert lines[1].endswith(SHOWN)
    assert lines[2].split(maxsplit=1)[0] == "a.png:"
    assert lines[2].endswith(":smile: [bold]")


def test_a_page_shows_a_name_and_runs_nothing_of_it():
    from kerascnn.utils.html_page import HtmlReport

    name = f'"><script>alert(1)</script>{FORGED}'
    report = HtmlReport(name, name)
    report.section(name, name)
    report.figure(b"", name, name)
    report.table([name], [[name]])
    page = report.to_html()
    page.encode()
    assert "<script" not in page
    assert "\x1b" not in page
    assert page.count("alert(1)") == 7  # and in the table, where long words may be broken


def test_a_figure_and_a_strip_are_drawn_with_any_name_of_a_class(photo):
    from kerascnn.evaluation.report_figures import shorten
    from kerascnn.inference.drawing import draw_page
    from kerascnn.utils.figure_style import Drawing

    for name in (FORGED, "\udcff", "$\\frac{$"):
        drawing = Drawing(lambda figure, theme, name=name: figure.subplots().set_title(shorten(name)), 2.0)
        assert drawing.png()
        assert draw_page(np.asarray(photo(3)), [((10, 10, 20, 20), name, 0.5)])


def test_what_libraries_print_is_no_message_of_ours(cli, place):
    generator = np.random.default_rng(0)
    picture = Image.fromarray(generator.integers(0, 256, (200, 200), np.uint8))
    picture.save(place / "torn.tif", compression="tiff_adobe_deflate")
    content = bytearray((place / "torn.tif").read_bytes())
    content[200:260] = bytes(60)
    (place / "torn.tif").write_bytes(content)
    result = cli("predict", "torn.tif")
    assert (result.returncode, len(result.stderr.splitlines())) == (1, 1), result.stderr
    result = cli("models", "m.keras", "--figure", "models.png", MPLCONFIGDIR="/dev/null/none", HOME="/dev/null")
    assert b"atplotlib" not in result.stderr
    assert b"mkdir" not in result.stderr
