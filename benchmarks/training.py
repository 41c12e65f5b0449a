"""Time and accuracy of the default `kerascnn fit` on each backend, each in a process of its own.

python benchmarks/training.py --backend tensorflow --backend jax --backend torch
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import results

BACKENDS = ("tensorflow", "jax", "torch")


def run(backend: str, epochs: int, seed: int, dry_run: bool) -> dict:
    """Train once, as a user would; the card's figures and the seconds of the whole process."""
    with tempfile.TemporaryDirectory() as directory:
        options = ["--backend", backend, "--epochs", str(epochs), "--seed", str(seed)]
        command = [sys.executable, "-m", "kerascnn", "fit", *options, "--format", "json"]
        output = ["--dry-run"] if dry_run else ["--output", str(Path(directory) / "mnist_cnn.keras")]
        begun = time.perf_counter()
        result = subprocess.run([*command, *output], stdout=subprocess.PIPE, check=True)
        seconds = time.perf_counter() - begun
    card = json.loads(result.stdout)
    return {
        "command": " ".join(["kerascnn fit", *options]),
        "backend": backend,
        "epochs": epochs,
        "seed": seed,
        "seconds": round(seconds, 1),
        "epoch_seconds": [row["seconds"] for row in card["history"]],
        "val_accuracy": card["metrics"]["val_accuracy"],
        "test_accuracy": card["metrics"]["test_accuracy"],
        "num_samples": card["metrics"]["num_samples"],
    }


def main() -> None:
    """Run what the command line asks for; each run becomes a file of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", action="append", choices=BACKENDS)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, action="append")
    parser.add_argument("--dry-run", action="store_true", help="a few batches, nothing recorded")
    arguments = parser.parse_args()
    for backend in arguments.backend or BACKENDS:
        for seed in arguments.seed or [0]:
            figures = run(backend, arguments.epochs, seed, arguments.dry_run)
            print(json.dumps(figures))
            if not arguments.dry_run:
                results.write(f"training-{backend}-{arguments.epochs}-epochs-seed-{seed}", figures)


if __name__ == "__main__":
    main()
