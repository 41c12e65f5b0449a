"""Fit the weights of the evidence for the reference model, and measure them on pictures that they were not fitted on.

    python benchmarks/evidence.py [--count 10000] [--held-out 1000] [--backend torch]

Writes kerascnn/reference/evidence.npz and benchmarks/results/evidence.json. The pictures are synthetic ones of MNIST's
training digits; the held-out ones are of digits that the reference model was validated on.
"""

import argparse

import numpy as np
import results

import kerascnn
from kerascnn.datasets import load_dataset, stratified_split
from kerascnn.datasets.synthetic.pictures import SyntheticPicture, make_pictures
from kerascnn.images.evidence import WEIGHTS
from kerascnn.inference.predictor import Predictor
from kerascnn.saving.model_files import find_shipped_model
from kerascnn.utils.backend import activate

VALIDATION_SPLIT = 0.1


def measure(model: Predictor, pictures: list[SyntheticPicture]) -> dict:
    """Count the answers to pictures of digits and of none."""
    answers = [prediction.digit for prediction in model.predict([picture.picture for picture in pictures])]
    pairs = [(picture.label, answer) for picture, answer in zip(pictures, answers, strict=True)]
    digits = [(label, answer) for label, answer in pairs if label is not None]
    return {
        "digits": len(digits),
        "right": sum(label == answer for label, answer in digits),
        "wrong": sum(answer is not None and label != answer for label, answer in digits),
        "none": len(pairs) - len(digits),
        "none withheld": sum(answer is None for label, answer in pairs if label is None),
    }


def fit(
    model: Predictor, digits: tuple[np.ndarray, np.ndarray], arguments: argparse.Namespace
) -> dict[str, np.ndarray]:
    """Fit the weights on pictures of digits."""
    activate(arguments.backend)
    from kerascnn.training.evidence_fitting import collect_examples, fit_evidence

    count, generator = 40 if arguments.dry_run else arguments.count, np.random.default_rng([arguments.seed, 1])
    weights = fit_evidence(collect_examples(model.engine, digits, count, generator), arguments.seed)
    return weights | {"network": np.array(model.card.network)}


def main() -> None:
    """Fit, measure and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000, help="Number of pictures to fit on.")
    parser.add_argument("--held-out", type=int, default=1000, help="Number of pictures to measure on.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--backend", default="tensorflow", help="Backend on which the weights are fitted.")
    parser.add_argument("--keep", action="store_true", help="Measure the weights that are there; fit none.")
    parser.add_argument("--dry-run", action="store_true", help="Fit on few pictures and write nothing.")
    arguments = parser.parse_args()
    model = kerascnn.load("reference")
    data = load_dataset("mnist")
    images, labels = np.asarray(data.train_images[:]), data.train_labels
    train, validation = stratified_split(labels, VALIDATION_SPLIT, 0)
    if not arguments.keep:
        weights = fit(model, (images[train], labels[train]), arguments)
        if not arguments.dry_run:
            weights_path = find_shipped_model("reference").parent / WEIGHTS
            np.savez(weights_path, **weights)
    held_out = 10 if arguments.dry_run else arguments.held_out
    generator = np.random.default_rng([arguments.seed, 2])
    figures = {"seed": arguments.seed} | measure(
        model, make_pictures(images[validation], labels[validation], held_out, generator)
    )
    print(figures)
    if not arguments.dry_run:
        results.write("evidence", figures)


if __name__ == "__main__":
    main()
