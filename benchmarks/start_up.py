"""Waiting times of a user: `--help`, `predict` of one picture on each engine, and a directory of 10,000 pictures.

python benchmarks/start_up.py
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import results
from PIL import Image

from kerascnn.datasets import load_dataset


def seconds_of(*arguments: str, cwd: Path) -> float:
    """Measure the wall time of one whole process."""
    environment = {key: value for key, value in os.environ.items() if key != "KERAS_BACKEND"}
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "kerascnn", *arguments], cwd=cwd, env=environment, check=True, capture_output=True
    )
    return time.perf_counter() - begun


def measure(runs: int, num_pictures: int) -> dict:
    """Run every command in turn, after one run of each that is not counted."""
    images = load_dataset("mnist").test_images
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "many").mkdir()
        for index in range(num_pictures):
            Image.fromarray(images[index % len(images)]).save(directory / "many" / f"{index:05d}.png")
        Image.fromarray(255 - images[0]).resize((280, 280)).save(directory / "one.png")
        reference = ("--model", "reference")
        commands = {
            "help": ("--help",),
            "predict one picture": ("predict", "one.png", *reference),
            "predict one picture --backend tensorflow": ("predict", "one.png", *reference, "--backend", "tensorflow"),
            "predict a directory": ("predict", "many", *reference, "--format", "json"),
        }
        seconds = {command: [] for command in commands}
        for run in range(runs + 1):
            for command, arguments in commands.items():
                elapsed = seconds_of(*arguments, cwd=directory)
                if run:
                    seconds[command].append(round(elapsed, 3))
    medians = {command: statistics.median(values) for command, values in seconds.items()}
    return {
        "runs": runs,
        "num_pictures": num_pictures,
        "seconds": seconds,
        "median_seconds": medians,
        "tensorflow_over_onnxruntime": round(
            medians["predict one picture --backend tensorflow"] / medians["predict one picture"], 1
        ),
        "pictures_per_second": round(num_pictures / medians["predict a directory"]),
    }


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--dry-run", action="store_true", help="Run once with few pictures and record nothing.")
    arguments = parser.parse_args()
    figures = measure(1, 20) if arguments.dry_run else measure(arguments.runs, 10000)
    print({key: value for key, value in figures.items() if key != "seconds"})
    if not arguments.dry_run:
        results.write("start-up", figures)


if __name__ == "__main__":
    main()
