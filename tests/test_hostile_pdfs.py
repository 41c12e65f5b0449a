"""PDF files made to do harm: one sentence each, bounded memory and time, the other files go on."""

import resource
import subprocess
import sys

import pytest
from conftest import clean_environment
from limits import MIB, run_limited
from pdf_files import ENCRYPTION, compress, write_many, write_page

pytestmark = pytest.mark.hostile

_BOMB = b"/Type/XObject/Subtype/Form/BBox[0 0 595 842]/Resources<</XObject<</I 5 0 R>>>>"
_IMAGE = b"/Type/XObject/Subtype/Image/Width 40000/Height 40000/ColorSpace/DeviceGray/BitsPerComponent 8"
FILES = {
    "encrypted.pdf": (write_page(trailer=ENCRYPTION), "is encrypted"),
    "cut.pdf": (write_page()[:200], "is damaged"),
    "large.pdf": (write_page(box=b"0 0 283465 595"), "is 100 x 0.21 m large"),
    "picture.pdf": (write_page(b"/I Do", picture=compress(_IMAGE, bytes(1000))), "shows a picture of more than"),
    "many.pdf": (write_many(10_000), "has 10,000 pages; say which of them are wanted"),
    "cycle.pdf": (write_page(b"/I Do /I Do", picture=compress(_BOMB, b"/I Do /I Do")), "takes more memory or time"),
}


def test_each_gets_one_sentence_and_the_others_go_on(tmp_path, photo):
    for name, (content, _) in FILES.items():
        (tmp_path / name).write_bytes(content)
    photo(7).save(tmp_path / "seven.pdf")
    paths = [tmp_path / name for name in [*FILES, "seven.pdf"]]
    result = run_limited("-m", "kerascnn", "predict", *paths, memory=1500 * MIB, seconds=20)
    lines = result.stderr.decode().splitlines()
    assert result.returncode == 1
    for name, (_, reason) in FILES.items():
        (line,) = [line for line in lines if str(tmp_path / name) in line]
        assert reason in line
    assert b"seven.pdf: 7" in result.stdout


WITHOUT = "import sys; sys.modules['pypdfium2'] = None; from kerascnn.__main__ import main; main()"


def run(*arguments, code: str = "from kerascnn.__main__ import main; main()", **settings):
    return subprocess.run(
        [sys.executable, "-P", "-c", code, *map(str, arguments)],
        capture_output=True,
        env=clean_environment(**settings.pop("variables", {})),
        check=False,
        **settings,
    )


def test_without_the_library_a_pdf_is_told_and_the_others_go_on(tmp_path, photo):
    photo(7).save(tmp_path / "seven.pdf")
    photo(3).save(tmp_path / "three.png")
    result = run("predict", tmp_path / "seven.pdf", tmp_path / "three.png", code=WITHOUT)
    assert result.returncode == 1
    assert b"three.png: 3" in result.stdout
    told, count = [line for line in result.stderr.decode().splitlines() if line.startswith("kerascnn: ")]
    assert "seven.pdf is a PDF, which needs pypdfium2; pip install 'kerascnn[documents]' adds it." in told
    assert "1 of 2 pictures could not be read" in count


def test_a_place_to_draw_in_that_is_none_is_told_and_the_others_go_on(tmp_path, photo):
    photo(7).save(tmp_path / "seven.pdf")
    photo(3).save(tmp_path / "three.png")
    limit = (100_000, 100_000)  # less than the page has pixels
    result = run(
        *("predict", tmp_path / "seven.pdf", tmp_path / "three.png"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
    )
    assert result.returncode == 1
    assert b"three.png: 3" in result.stdout
    told, count = [line for line in result.stderr.decode().splitlines() if line.startswith("kerascnn: ")]
    assert "seven.pdf#1 cannot be drawn, since" in told
    assert "1 of 2 pictures could not be read" in count
