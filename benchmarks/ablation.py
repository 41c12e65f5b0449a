"""Ablation of the recipe `quick`: the recipe with one ingredient removed, or another one added.

    python benchmarks/ablation.py --seeds 3

Every run is a `kerascnn fit` on TensorFlow that scores the test images once, at its end; the values of `quick` were
chosen by the validation images. Each finished run is a file, benchmarks/results/ablation-NAME-seed-S.json; a run whose
file is there is not done again.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import results
from others import OtherPrograms

# Description in the table, and the options that remove or change the ingredient.
VARIANTS = {
    "quick": ("nothing: the recipe as it is", ()),
    "adam": ("Muon; Adam for all weights", ("--optimizer", "adam")),
    "no-label-smoothing": ("label smoothing", ("--label-smoothing", "0")),
    "label-smoothing-0.2": ("label smoothing of 0.1; 0.2", ("--label-smoothing", "0.2")),
    "averaged-weights": ("no average; a moving average of the weights", ("--weight-averaging", "0.99")),
    "no-augmentation": ("augmentation", ("--augmentation", "0")),
    "full-augmentation": ("augmentation at half magnitude; full magnitude", ("--augmentation", "1")),
    "last-dropout": ("no dropout; before the last layer", ("--dropout-rates", "0,0.3")),
    "lecture-dropout": ("no dropout; the lecture's", ("--dropout-rates", "0.25,0.5")),
    "constant": ("cosine; constant learning rate", ("--schedule", "constant")),
    "no-warmup": ("warm-up", ("--warmup", "0")),
    "batch-64": ("batches of 128; 64", ("--batch-size", "64")),
    "batch-256": ("batches of 128; 256", ("--batch-size", "256")),
    "twelve-epochs": ("three epochs; twelve", ("--epochs", "12")),
    "twelve-epochs-last-dropout": (
        "three epochs, no dropout; twelve, before the last layer",
        ("--epochs", "12", "--dropout-rates", "0,0.3"),
    ),
}


def run(name: str, seed: int, dry_run: bool) -> dict:
    """Train once, as a user would start it."""
    _, changes = VARIANTS[name]
    options = ["--backend", "tensorflow", "--seed", str(seed), *changes]
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, "-m", "kerascnn", "fit", *options, "--format", "json"]
        output = ["--dry-run"] if dry_run else ["--output", str(Path(directory) / "mnist_cnn.keras")]
        begun, others = time.perf_counter(), OtherPrograms()
        result = subprocess.run([*command, *output], stdout=subprocess.PIPE, check=True)
        seconds = time.perf_counter() - begun
    card = json.loads(result.stdout)
    return {
        "command": " ".join(["kerascnn fit", *options]),
        "name": name,
        "seed": seed,
        "recipe": card["recipe"],
        "seconds": round(seconds, 1),
        "cores_of_others": others.cores(),
        "training_seconds": round(sum(row["seconds"] for row in card["history"]), 1),
        "val_accuracy": card["metrics"]["val_accuracy"],
        "test_accuracy": card["metrics"]["test_accuracy"],
    }


def main() -> None:
    """Do every missing run, seed by seed, so that finished runs can be compared at any time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--variant", action="append", choices=list(VARIANTS), help="Run this one only; may be repeated."
    )
    parser.add_argument("--dry-run", action="store_true", help="Train one on a few batches and record nothing.")
    arguments = parser.parse_args()
    if arguments.dry_run:
        print(run("no-warmup", 0, dry_run=True))
        return
    for seed in range(arguments.seeds):
        for name in arguments.variant or VARIANTS:
            figures = results.load_or_run(f"ablation-{name}-seed-{seed}", partial(run, name, seed, dry_run=False))
            print({key: figures[key] for key in ("name", "seed", "val_accuracy", "seconds")}, flush=True)


if __name__ == "__main__":
    main()
