"""Time until 99.0 % of the test images are classified correctly: `kerascnn fit` against plain implementations.

    python benchmarks/accuracy_against_time.py --seeds 5

Each run has a length that is fixed before it begins, and scores the test images once, at its end. Each finished run is
a file of its own, benchmarks/results/accuracy-NAME-K-epochs-seed-S.json; a run whose file is there is not done again,
so the script can be stopped and started at any time. The settings of the PyTorch examples, by which time is judged, get
longer runs until their mean reaches 99.0 %; the others' are as long as ours. At the end it draws
docs/images/accuracy-against-time.png.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import results
from accuracy_figure import draw
from contestants import CONTENDERS, EXAMPLES, ours, run_contender
from others import OtherPrograms

from kerascnn.utils.backend import BACKENDS

TARGET = 0.99
FIGURE = Path(__file__).parent.parent / "docs" / "images" / "accuracy-against-time.png"


def our_run(backend: str, epochs: int, seed: int, dry_run: bool) -> dict:
    """Run `kerascnn fit` as a user types it."""
    with tempfile.TemporaryDirectory() as directory:
        options = ["--backend", backend, "--epochs", str(epochs), "--seed", str(seed)]
        command = [sys.executable, "-m", "kerascnn", "fit", *options, "--format", "json"]
        output = ["--dry-run"] if dry_run else ["--output", str(Path(directory) / "mnist_cnn.keras")]
        result = subprocess.run([*command, *output], stdout=subprocess.PIPE, check=True)
    card = json.loads(result.stdout)
    seconds = [row["seconds"] for row in card["history"]]
    return {
        "command": " ".join(["kerascnn fit", *options]),
        "first_epoch_seconds": seconds[0],
        "other_epoch_seconds": seconds[1:],
        "training_seconds": round(sum(seconds), 2),
        "val_accuracy": card["metrics"]["val_accuracy"],
        "test_accuracy": card["metrics"]["test_accuracy"],
    }


def contender_run(name: str, epochs: int, seed: int, dry_run: bool) -> dict:
    """Run a script of `contenders/`."""
    options = ["--epochs", str(epochs), "--seed", str(seed)]
    figures = run_contender(name, *options, *(["--limit-steps", "2"] if dry_run else []))
    return {"command": " ".join([f"python benchmarks/contenders/{name}.py", *options]), **figures}


def load_or_run(name: str, epochs: int, seed: int) -> dict:
    """Read the figures of a run from its file, or do the run and write its file."""
    stem = f"accuracy-{name.replace(' ', '-')}-{epochs}-epochs-seed-{seed}"
    return results.load_or_run(stem, lambda: run(name, epochs, seed))


def run(name: str, epochs: int, seed: int, dry_run: bool = False) -> dict:
    """Train in a new process; `seconds` is the wall time of the whole process."""
    begun, others = time.perf_counter(), OtherPrograms()
    if name in CONTENDERS:
        figures = contender_run(name, epochs, seed, dry_run)
    else:
        figures = our_run(name.removeprefix(ours("")), epochs, seed, dry_run)
    seconds = round(time.perf_counter() - begun, 1)
    whole = {"seconds": seconds, "cores_of_others": others.cores()}
    row = {"name": name, "epochs": epochs, "seed": seed, **whole, **figures}
    shown = ("name", "epochs", "seed", *whole, "training_seconds", "test_accuracy")
    print({key: row[key] for key in shown}, flush=True)
    return row


def reaches_target(rows: list[dict]) -> bool:
    """Whether the mean test accuracy of runs of one length is high enough."""
    return round(statistics.mean(row["test_accuracy"] for row in rows), 8) >= TARGET


def measure(lengths: dict[str, int], seeds: int, contender_seeds: int) -> None:
    """Do every missing run of each contestant, the short ones first, contestants in turn."""
    finished = set()
    for length in range(1, max(lengths.values()) + 1):
        for name in lengths:
            if length > lengths[name] or name in finished:
                continue
            number = contender_seeds if name in CONTENDERS else seeds
            rows = [load_or_run(name, length, seed) for seed in range(number)]
            if name in CONTENDERS and reaches_target(rows):
                finished.add(name)


def main() -> None:
    """Do the missing runs, then draw all finished ones."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--backend",
        action="append",
        choices=BACKENDS,
        help="Backend of kerascnn; may be repeated.  [default: tensorflow]",
    )
    parser.add_argument(
        "--our-epochs", type=int, default=3, help="Largest number of epochs of kerascnn and the others."
    )
    parser.add_argument("--seeds", type=int, default=5, help="Backend of kerascnn.")
    parser.add_argument(
        "--epochs", type=int, default=8, help="Largest number of epochs with the settings of the PyTorch examples."
    )
    parser.add_argument(
        "--contender", action="append", choices=list(CONTENDERS), help="Run this one only; may be repeated."
    )
    parser.add_argument("--contender-seeds", type=int, default=2)
    parser.add_argument("--dry-run", action="store_true", help="Run a few steps of two of them and record nothing.")
    arguments = parser.parse_args()
    if arguments.dry_run:
        rows = [run(ours("jax"), 1, 0, dry_run=True), run("plain_pytorch", 1, 0, dry_run=True)]
        # A contender of two steps has no score; any number shows that the figure can be drawn.
        with tempfile.TemporaryDirectory() as directory:
            draw([{**row, "test_accuracy": row["test_accuracy"] or 0.9} for row in rows], Path(directory) / "dry.png")
        return
    lengths = {ours(backend): arguments.our_epochs for backend in arguments.backend or ["tensorflow"]}
    for name in arguments.contender or CONTENDERS:
        lengths[name] = arguments.epochs if name == EXAMPLES else arguments.our_epochs
    measure(lengths, arguments.seeds, arguments.contender_seeds)
    draw(results.read("accuracy-*-epochs-seed-*.json"), FIGURE)


if __name__ == "__main__":
    main()
