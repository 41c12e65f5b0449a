"""Why residuals: plain and residual networks of 8, 20 and 32 layers, trained alike for a few steps.

    python benchmarks/residuals.py

Of each network: the loss of every step, the norm of the gradient at each convolution before the first step and after
the last, the accuracy on the validation images; of the deepest ones the loss surface around what they have learned.
Each finished network is a file, benchmarks/results/residuals-KIND-LAYERS.json; one whose file is there is not trained
again. At the end the figures in docs/images/ are drawn.

Sources: K. He et al., "Deep residual learning for image recognition", CVPR 2016; H. Li, Z. Xu, G. Taylor, C. Studer and
T. Goldstein, "Visualizing the loss landscape of neural nets", NeurIPS 2018.
"""

import argparse
import time
from functools import partial

import numpy as np
import results
from loss_surface import EXTENT, loss_surface
from residual_figures import draw_all

from kerascnn.datasets import Dataset, load_dataset, stratified_split
from kerascnn.utils.backend import activate

KINDS = {"plain": False, "residual": True}
NUM_LAYERS = (8, 20, 32)
WIDTHS = (16, 32, 64)
BATCH_SIZE, STEPS, LEARNING_RATE, MOMENTUM = 128, 250, 0.1, 0.9
SURFACE_IMAGES, SURFACE_POINTS = 256, 21


def run(kind: str, num_layers: int, dataset: Dataset, steps: int, surface_points: int) -> dict:
    """Train one network.

    Args:
        kind: Kind of network in `KINDS`.
        num_layers: Number of layers with weights, one after another: 6n + 2.
        dataset: Data set.
        steps: Number of training steps.
        surface_points: Number of points along each direction of the loss surface; 0 for no surface.

    Returns:
        The figures of the run.
    """
    import keras

    from kerascnn.models import build

    train, validation = stratified_split(dataset.train_labels, 0.2, 0)
    order = np.random.default_rng(0).permutation(train)
    keras.utils.set_random_seed(0)
    blocks = {"widths": WIDTHS, "num_blocks": (num_layers - 2) // 6, "pooled_stem": False}
    model = build("resnet", (28, 28, 1), 10, residual=KINDS[kind], **blocks)
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
    loss = keras.losses.SparseCategoricalCrossentropy()
    model.compile(keras.optimizers.SGD(schedule, MOMENTUM), loss, metrics=["accuracy"])
    batches = [_pair(dataset, indices) for indices in np.split(order[: steps * BATCH_SIZE], steps)]
    begun = time.perf_counter()
    norms = {"first": gradient_norms(model, *batches[0])}
    losses = [_step(model, *batch) for batch in batches]
    norms["last"] = gradient_norms(model, *batches[0])
    seconds = time.perf_counter() - begun
    _, accuracy = model.evaluate(*_pair(dataset, validation), batch_size=512, verbose=0)
    figures = {
        "kind": kind,
        "num_layers": num_layers,
        "num_parameters": model.count_params(),
        "steps": steps,
        "losses": [round(value, 5) for value in losses],
        "gradient_norms": norms,
        "val_accuracy": accuracy,
        "training_seconds": round(seconds, 1),
    }
    if surface_points:
        images, labels = _pair(dataset, order[:SURFACE_IMAGES])
        figures["surface"] = loss_surface(model, images, labels, surface_points).round(4).tolist()
        figures["surface_extent"] = EXTENT
    return figures


def gradient_norms(model, images: np.ndarray, labels: np.ndarray) -> list[float]:
    """Norm of the loss's gradient at the kernel of each convolution on the main path, from the picture on."""
    import keras
    import tensorflow as tf

    kernels = [
        layer.kernel
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D) and not layer.name.endswith("projection")
    ]
    with tf.GradientTape() as tape:
        loss = model.compute_loss(y=labels, y_pred=model(images, training=True))
    return [float(tf.norm(gradient)) for gradient in tape.gradient(loss, kernels)]


def _step(model, images: np.ndarray, labels: np.ndarray) -> float:
    """Train one step and return its loss alone; Keras reports the mean since the last reset."""
    model.reset_metrics()
    return float(model.train_on_batch(images, labels)[0])


def _pair(dataset: Dataset, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return dataset.train_images[indices][..., None].astype("float32"), dataset.train_labels[indices]


def main() -> None:
    """Train every missing network, then draw the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry-run", action="store_true", help="Train the smallest for two steps and record nothing.")
    arguments = parser.parse_args()
    activate("tensorflow")
    dataset = load_dataset("mnist")
    if arguments.dry_run:
        draw_all([run(kind, NUM_LAYERS[0], dataset, steps=2, surface_points=3) for kind in KINDS], directory=None)
        return
    for num_layers in NUM_LAYERS:
        for kind in KINDS:
            points = SURFACE_POINTS if num_layers == NUM_LAYERS[-1] else 0
            stem = f"residuals-{kind}-{num_layers}"
            results.load_or_run(stem, partial(run, kind, num_layers, dataset, STEPS, points))
            print(stem, flush=True)
    draw_all(results.read("residuals-*.json"), results.RESULTS.parent.parent / "docs" / "images")


if __name__ == "__main__":
    main()
