"""Cost of applying softmax twice: the same network from the same weights, with both losses.

python benchmarks/softmax_twice.py
"""

import argparse
import json
import time

import numpy as np
import results

from kerascnn.datasets import Dataset, load_dataset, stratified_split
from kerascnn.utils.backend import activate

SEEDS = (0, 1, 2)
BATCH_SIZE, LEARNING_RATE = 128, 1e-3
PARTS = 5
"""Of the epoch; validation after each."""

VARIANTS = {1: "softmax once", 2: "softmax twice"}
_DRY_RUN_SAMPLES = PARTS * BATCH_SIZE


def run(softmax_count: int, seed: int, dataset: Dataset, num_samples: int | None) -> dict:
    """Train for one epoch, with validation in between, and score the test part once at the end.

    Args:
        softmax_count: Number of softmax functions: 1, which is right, or 2.
        seed: Random seed of the weights, the dropout, the division of the data and the order of the samples.
        dataset: Data set.
        num_samples: Number of samples of each part, to shorten the run; None for all.

    Returns:
        The figures of the run.
    """
    import keras

    from kerascnn.models import build

    train, validation = (part[:num_samples] for part in stratified_split(dataset.train_labels, 0.2, seed))
    # Explicitly, so that both variants see the same samples in the same order.
    order = np.random.default_rng(seed).permutation(train)
    validation_pair = _pair(dataset.train_images[validation], dataset.train_labels[validation])
    test_pair = _pair(dataset.test_images[:num_samples], dataset.test_labels[:num_samples])
    keras.utils.set_random_seed(seed)
    model = build("cnn", (28, 28, 1), len(dataset.class_names))
    model.compile(keras.optimizers.Adam(LEARNING_RATE), _loss(softmax_count), metrics=["accuracy"])
    history = []
    begun = time.perf_counter()
    for indices in np.array_split(order, PARTS):
        part = _pair(dataset.train_images[indices], dataset.train_labels[indices])
        fitted = model.fit(*part, batch_size=BATCH_SIZE, shuffle=False, verbose=0)
        _, accuracy = model.evaluate(*validation_pair, batch_size=512, verbose=0)
        seen = (history[-1]["num_seen"] if history else 0) + len(indices)
        history.append({"num_seen": seen, "loss": fitted.history["loss"][0], "val_accuracy": accuracy})
    seconds = time.perf_counter() - begun
    _, test_accuracy = model.evaluate(*test_pair, batch_size=512, verbose=0)
    return {
        "softmax_count": softmax_count,
        "seed": seed,
        "history": history,
        "test_accuracy": test_accuracy,
        "seconds": round(seconds, 1),
    }


def _loss(softmax_count: int):
    import keras

    once = keras.losses.SparseCategoricalCrossentropy(from_logits=False)
    if softmax_count == 1:
        return once
    # The network's own last layer is the first softmax.
    return lambda labels, probabilities: once(labels, keras.ops.softmax(probabilities))


def _pair(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return images[..., None].astype("float32"), labels


def main() -> None:
    """Run both variants with every seed, in turn, and record them together."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", default="tensorflow", choices=("tensorflow", "jax", "torch"))
    parser.add_argument("--dry-run", action="store_true", help="Train one seed on a few batches and record nothing.")
    arguments = parser.parse_args()
    backend = activate(arguments.backend).name
    dataset = load_dataset("mnist")
    runs = []
    for seed in SEEDS[:1] if arguments.dry_run else SEEDS:
        for softmax_count in VARIANTS:
            figures = run(softmax_count, seed, dataset, _DRY_RUN_SAMPLES if arguments.dry_run else None)
            print(json.dumps(figures), flush=True)
            runs.append(figures)
    if not arguments.dry_run:
        train, validation = stratified_split(dataset.train_labels, 0.2, 0)
        results.write(
            "softmax-twice",
            {
                "command": "python benchmarks/softmax_twice.py",
                "backend": backend,
                "epochs": 1,
                "batch_size": BATCH_SIZE,
                "learning_rate": LEARNING_RATE,
                "num_train": len(train),
                "num_validation": len(validation),
                "num_samples": len(dataset.test_labels),
                "runs": runs,
            },
        )


if __name__ == "__main__":
    main()
