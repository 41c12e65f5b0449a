"""Count how likely a glyph stands in a number or in a word, for the models that ship.

    python benchmarks/context.py [--count 800] [--seed 0]

Writes kerascnn/reference/context.npz and benchmarks/results/context.json. The sheets, with numbers and words, are
synthetic ones of those of MNIST's training digits that the reference model was not trained on, but validated. It comes
after benchmarks/segments.py, whose weights it takes as they are.
"""

import argparse

import numpy as np
import results

import kerascnn
from kerascnn.datasets import load_dataset, stratified_split
from kerascnn.datasets.synthetic.writing import write_sheet
from kerascnn.inference.segment_evidence import WITH_MAP, WITHOUT_MAP
from kerascnn.inference.segmenters import load_segmenter
from kerascnn.inference.writing_context import NUMBER, OTHER, WEIGHTS
from kerascnn.saving.model_files import find_shipped_model
from kerascnn.training.context_fitting import collect_pages, fit_context

VALIDATION_SPLIT = 0.1


def main() -> None:
    """Count and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=800, help="Number of sheets to count on.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dry-run", action="store_true", help="Count on few sheets and write nothing.")
    arguments = parser.parse_args()
    model, data = kerascnn.load("reference"), load_dataset("mnist")
    _, chosen = stratified_split(data.train_labels, VALIDATION_SPLIT, 0)
    digits = np.asarray(data.train_images[:])[chosen], data.train_labels[chosen]
    count = 12 if arguments.dry_run else arguments.count
    weights, figures = {}, {"seed": arguments.seed, "sheets": count}
    for name, segmenter in ((WITH_MAP, "both"), (WITHOUT_MAP, "classical")):
        sheets = (write_sheet(digits, number, arguments.seed, with_words=True) for number in range(count))
        pages = collect_pages(sheets, model, load_segmenter(segmenter))
        context, states = fit_context(pages), np.concatenate([page.states for page in pages])
        weights |= {f"{name}_{part}": values.astype(np.float32) for part, values in context._asdict().items()}
        figures[name] = {"in numbers": int((states == NUMBER).sum()), "in words": int((states == OTHER).sum())}
    print(figures)
    if not arguments.dry_run:
        np.savez(find_shipped_model("reference").parent / WEIGHTS, **weights)
        results.write("context", figures)


if __name__ == "__main__":
    main()
