"""Write the images that the reference model is trained on: MNIST's, and what the preparation makes of pictures.

    python benchmarks/reference_data.py [--count 12000] [--output build/reference_data.npz]

The pictures are synthetic ones of MNIST's training digits. What was taken for ink in them but shows no digit is written
beside, as outliers. `kerascnn fit --data build/reference_data.npz` trains on the file; its test part is MNIST's.
"""

import argparse
from pathlib import Path

import numpy as np

from kerascnn.datasets import load_dataset, stratified_split
from kerascnn.datasets.synthetic.prepared import make_prepared_pictures

VALIDATION_SPLIT = 0.1
"""Share of MNIST's training digits of which no picture is made."""


def main() -> None:
    """Make the pictures and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=12_000, help="Number of pictures.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("build/reference_data.npz"))
    parser.add_argument("--dry-run", action="store_true", help="Make few pictures and write nothing.")
    arguments = parser.parse_args()
    data = load_dataset("mnist")
    images, labels = np.asarray(data.train_images[:]), data.train_labels
    chosen, _ = stratified_split(labels, VALIDATION_SPLIT, 0)
    generator = np.random.default_rng(arguments.seed)
    count = 30 if arguments.dry_run else arguments.count
    made = make_prepared_pictures(images[chosen], labels[chosen], count, generator)
    print(f"{count} pictures gave {len(made.images)} images of digits and {len(made.outliers)} of none")
    if arguments.dry_run:
        return
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        arguments.output,
        x_train=np.concatenate([images, made.images]),
        y_train=np.concatenate([labels, made.labels]),
        x_test=data.test_images[:],
        y_test=data.test_labels,
        outliers=made.outliers,
    )


if __name__ == "__main__":
    main()
