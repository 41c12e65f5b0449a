"""Fit the weights by which the segments of a page's glyphs are recognised, for the models that ship.

    python benchmarks/segments.py [--count 2000] [--seed 0] [--backend torch]

Writes kerascnn/reference/segments.npz and benchmarks/results/segments.json. The sheets are synthetic ones of those of
MNIST's training digits that the reference model was not trained on, but validated; `benchmarks/pages.py` measures what
comes of it on test digits.
"""

import argparse

import numpy as np
import results

import kerascnn
from kerascnn.datasets import load_dataset, stratified_split
from kerascnn.datasets.synthetic.writing import write_sheet
from kerascnn.inference.segment_evidence import WEIGHTS, WITH_MAP, WITHOUT_MAP
from kerascnn.inference.segmenters import load_segmenter
from kerascnn.saving.model_files import find_shipped_model
from kerascnn.utils.backend import activate

VALIDATION_SPLIT = 0.1


def main() -> None:
    """Fit and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000, help="Number of sheets to fit on.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--backend", default="tensorflow", help="Backend on which the weights are fitted.")
    parser.add_argument("--dry-run", action="store_true", help="Fit on few sheets and write nothing.")
    arguments = parser.parse_args()
    activate(arguments.backend)
    from kerascnn.training.segment_fitting import collect_examples, fit_segments

    model, data = kerascnn.load("reference"), load_dataset("mnist")
    _, chosen = stratified_split(data.train_labels, VALIDATION_SPLIT, 0)
    digits = np.asarray(data.train_images[:])[chosen], data.train_labels[chosen]
    count = 12 if arguments.dry_run else arguments.count
    weights, figures = {}, {"seed": arguments.seed, "sheets": count}
    for name, segmenter in ((WITH_MAP, "both"), (WITHOUT_MAP, "classical")):
        sheets = (write_sheet(digits, number, arguments.seed) for number in range(count))
        examples = collect_examples(sheets, model, load_segmenter(segmenter))
        weights |= fit_segments(examples, name, arguments.seed)
        figures[name] = {"glyphs": len(examples), "of digits": sum(example.is_writing for example in examples)}
    print(figures)
    if not arguments.dry_run:
        np.savez(find_shipped_model("reference").parent / WEIGHTS, **weights)
        results.write("segments", figures)


if __name__ == "__main__":
    main()
