"""Training on data that do not fit into memory: time a sample and memory, from 10,000 images to a million.

    python benchmarks/streaming.py [--steps 150] [--dry-run]

The images are MNIST's, repeated and shifted. Each measurement is a process of its own: load the data set, split it,
train the default network for some steps on batches drawn from all of it. Where the images lie is alternated: in memory,
in an IDX file, in a class folder of small files. Writes benchmarks/results/streaming.json and the figure
docs/images/streaming.png.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import results
from PIL import Image

from kerascnn.datasets import load_dataset

FIGURE = Path(__file__).parent.parent / "docs" / "images" / "streaming.png"
_NUM_TEST = 1000
_CHUNK = 10_000


def write_idx_files(directory: Path, count: int) -> Path:
    """Write a data set of `count` images as four IDX files, piece by piece."""
    mnist = load_dataset("mnist")
    directory.mkdir()
    for part, number in (("train", count), ("t10k", _NUM_TEST)):
        with (directory / f"{part}-images-idx3-ubyte").open("wb") as images:
            images.write(b"\0\0\x08\x03" + b"".join(size.to_bytes(4, "big") for size in (number, 28, 28)))
            for start in range(0, number, _CHUNK):
                chosen = np.arange(start, min(start + _CHUNK, number)) % len(mnist.train_labels)
                images.write(np.roll(mnist.train_images[chosen], start // len(mnist.train_labels) % 5, 2).tobytes())
        labels = mnist.train_labels[np.arange(number) % len(mnist.train_labels)].astype(np.uint8)
        header = b"\0\0\x08\x01" + number.to_bytes(4, "big")
        (directory / f"{part}-labels-idx1-ubyte").write_bytes(header + labels.tobytes())
    return directory


def write_class_folder(directory: Path, count: int) -> Path:
    """Write `count` pictures, one file each, one directory for each digit."""
    mnist = load_dataset("mnist")
    for digit in range(10):
        (directory / str(digit)).mkdir(parents=True)
    for number in range(count):
        index = number % len(mnist.train_labels)
        path = directory / str(mnist.train_labels[index]) / f"{number:07d}.png"
        Image.fromarray(mnist.train_images[index]).save(path, compress_level=1)
    return directory


def train_some(source: Path, in_memory: bool, steps: int) -> dict:
    """Load, split and train for some steps in this process; measure seconds, images a second and peak memory."""
    for name in ("stored_images", "idx"):
        module = sys.modules[f"kerascnn.datasets.{name}"]
        module.LARGEST_IN_MEMORY = 2**60 if in_memory else 0
    begun = time.perf_counter()
    data = load_dataset(source)
    data.digest()
    loaded = time.perf_counter()
    from kerascnn.utils.backend import activate

    activate("tensorflow")
    import keras

    from kerascnn import models
    from kerascnn.datasets import stratified_split
    from kerascnn.datasets.stored_images import Selection
    from kerascnn.training.batches import TrainingBatches
    from kerascnn.training.loop import compile_model
    from kerascnn.training.metrics import AccuracyOfDecided
    from kerascnn.training.recipe import choose_recipe

    recipe = choose_recipe("quick", "cnn")
    split = time.perf_counter()
    train, _ = stratified_split(data.train_labels, 0.2, 0)
    batches = TrainingBatches(
        Selection(data.train_images, train), data.train_labels[train], recipe, 0, num_classes=10, digits=range(10)
    )
    split = time.perf_counter() - split
    model = models.build("cnn", (28, 28, 1), 10, dropout_rates=recipe.dropout_rates)
    loss = keras.losses.CategoricalCrossentropy(from_logits=False)
    compile_model(model, recipe, steps, loss, AccuracyOfDecided(name="accuracy"))
    seconds = []
    # Strided over the epoch's order, so that every part of the file is touched.
    for number, index in enumerate(np.linspace(0, len(batches) - 2, steps + 5).astype(int)):
        start = time.perf_counter()
        model.train_on_batch(*batches[int(index)])
        if number >= 5:
            seconds.append(time.perf_counter() - start)
    return {
        "num_images": len(data.train_labels),
        "load_seconds": round(loaded - begun, 2),
        "split_seconds": round(split, 2),
        "images_per_second": round(recipe.batch_size / statistics.median(seconds), 1),
        "peak_mebibytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def measure_in_process(source: Path, kind: str, size: int, steps: int) -> dict:
    """Measure in a new process. Of the `size` images that were made, a class folder keeps some as test part."""
    command = [sys.executable, __file__, "--one", str(source), "--steps", str(steps)]
    if kind == "in memory":
        command.append("--in-memory")
    answer = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    row = {"kind": kind, "size": size, **json.loads(answer.stdout.splitlines()[-1])}
    print(row, flush=True)
    return row


def draw(rows: list[dict]) -> None:
    """Draw time a sample and memory against the number of images."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for kind, colour, marker in (
        ("in memory", "#0072B2", "o"),
        ("IDX file", "#D55E00", "s"),
        ("class folder", "#009E73", "^"),
    ):
        chosen = [row for row in rows if row["kind"] == kind]
        sizes = sorted({row["num_images"] for row in chosen})
        for axes, value in (
            (left, lambda row: 1e6 / row["images_per_second"]),
            (right, lambda row: row["peak_mebibytes"]),
        ):
            medians = [statistics.median(value(row) for row in chosen if row["num_images"] == size) for size in sizes]
            axes.plot(sizes, medians, marker=marker, color=colour, label=kind)
    left.set(ylabel="microseconds a sample, training", ylim=(0, None))
    right.set(ylabel="peak memory, MiB", ylim=(0, None))
    for axes in (left, right):
        axes.set(xscale="log", xlabel="training images", ylim=(0, 1.15 * axes.get_ylim()[1]))
        axes.grid(alpha=0.3)
    left.legend(frameon=False)
    FIGURE.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(FIGURE, dpi=150)


def main() -> None:
    """Generate, measure in turn, record, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=3, help="Number of measurements of each kind and size, in turn.")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--in-memory", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--dry-run", action="store_true", help="Use small data and few steps, and record nothing.")
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(train_some(arguments.one, arguments.in_memory, arguments.steps)))
        return
    sizes = (2_000, 4_000) if arguments.dry_run else (10_000, 100_000, 1_000_000)
    steps, rounds = (3, 1) if arguments.dry_run else (arguments.steps, arguments.rounds)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        files = {size: write_idx_files(Path(name) / f"idx-{size}", size) for size in sizes}
        folders = {size: write_class_folder(Path(name) / f"folder-{size}", size) for size in sizes}
        for _ in range(rounds):
            for size in sizes:
                for source, kind in (
                    (files[size], "in memory"),
                    (files[size], "IDX file"),
                    (folders[size], "class folder"),
                ):
                    rows.append(measure_in_process(source, kind, size, steps))
    if not arguments.dry_run:
        results.write("streaming", {"command": "python benchmarks/streaming.py", "steps": steps, "runs": rows})
        draw(rows)


if __name__ == "__main__":
    main()
