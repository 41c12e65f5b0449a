"""Accuracy of each architecture with the recipe `best` over several seeds, and of an ensemble of them.

    python benchmarks/networks.py --seeds 3

Each run is a `kerascnn fit` that scores the test images once, at its end. Each finished run is a file,
benchmarks/results/network-NAME-seed-S.json; a run whose file is there is not done again, and one that was interrupted
is continued. The models stay in saved_models/networks/. `--ensemble` chooses among those of `cnn`, `resnet` and `vit`,
which have all their validation images in common.
"""

import argparse
import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import results
from others import OtherPrograms

from kerascnn.summary.counts import find_counts

MODELS = Path(__file__).parent.parent / "saved_models" / "networks"
# On two cores the backend that was quickest in short trials; accuracy does not depend on it.
BACKENDS = {"mlp": "tensorflow", "cnn": "tensorflow", "cnn_tiny": "tensorflow", "resnet": "torch", "vit": "jax"}
# Those from which the highest accuracy is wanted, and from which the ensemble is made, learn from more of the images.
VALIDATION_SPLITS = {"cnn": 0.1, "resnet": 0.1, "vit": 0.1}
MAX_MEMBERS = 5


def run(name: str, seed: int, dry_run: bool) -> dict:
    """Train once, as a user would start it; `seconds` is the sum over its epochs, whenever they were done."""
    options = ["--architecture", name, "--recipe", "best", "--backend", BACKENDS[name], "--seed", str(seed)]
    options += ["--split-seed", "0"]
    if name in VALIDATION_SPLITS:
        options += ["--validation-split", str(VALIDATION_SPLITS[name])]
    model = MODELS / f"{name}-seed-{seed}.keras"
    command = [sys.executable, "-m", "kerascnn", "fit", *options, "--format", "json"]
    command += ["--dry-run"] if dry_run else ["--output", str(model)]
    if model.with_suffix(".run").exists():
        command.append("--resume")
    if not dry_run:
        MODELS.mkdir(parents=True, exist_ok=True)
    others = OtherPrograms()
    card = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return {
        "command": " ".join(["kerascnn fit", *options]),
        "architecture": name,
        "seed": seed,
        "recipe": card["recipe"],
        "num_parameters": find_counts(name).num_parameters,
        "num_train": card["data"]["num_train"],
        "seconds": round(sum(row["seconds"] for row in card["history"]), 1),
        "cores_of_others": others.cores(),
        "val_accuracy": card["metrics"]["val_accuracy"],
        "test_accuracy": card["metrics"]["test_accuracy"],
        "milliseconds_per_picture": card["metrics"].get("milliseconds_per_picture"),
    }


def join() -> None:
    """Choose the best ensemble of the finished models by validation, and score its test images once."""
    models = [str(path) for name in VALIDATION_SPLITS for path in sorted(MODELS.glob(f"{name}-seed-*.keras"))]
    output = MODELS / "ensemble.keras"
    options = ["--max-members", str(MAX_MEMBERS), "--output", str(output), "--format", "json"]
    command = [sys.executable, "-m", "kerascnn", "ensemble", *models, *options]
    card = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    patterns = " ".join(f"saved_models/networks/{name}-seed-*.keras" for name in VALIDATION_SPLITS)
    figures = {
        "command": f"kerascnn ensemble {patterns} --max-members {MAX_MEMBERS}",
        "num_candidates": len(models),
        "members": [member["name"] for member in card["members"]],
        "val_accuracy": card["metrics"]["val_accuracy"],
        "test_accuracy": card["metrics"]["test_accuracy"],
        "milliseconds_per_picture": card["metrics"].get("milliseconds_per_picture"),
    }
    results.write("ensemble", figures)


def main() -> None:
    """Do every missing run, seed by seed; then the ensemble, if asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--architecture", action="append", choices=list(BACKENDS), help="Run this one only; may be repeated."
    )
    parser.add_argument("--ensemble", action="store_true", help="Choose an ensemble when the runs are done.")
    parser.add_argument("--dry-run", action="store_true", help="Train one on a few batches and record nothing.")
    arguments = parser.parse_args()
    if arguments.dry_run:
        print(run("cnn_tiny", 0, dry_run=True))
        return
    for seed in range(arguments.seeds):
        for name in arguments.architecture or BACKENDS:
            figures = results.load_or_run(f"network-{name}-seed-{seed}", partial(run, name, seed, dry_run=False))
            print({key: figures[key] for key in ("architecture", "seed", "val_accuracy", "seconds")}, flush=True)
    if arguments.ensemble:
        join()


if __name__ == "__main__":
    main()
