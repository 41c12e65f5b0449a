"""Choice of the default model: the one that reads most digits in the styles of synthetic pages.

    python benchmarks/reference_choice.py saved_models/networks/*.keras

The model that ships takes part. Models that need more than 10 ms a picture on one core do not. Every model reads the
same pictures, one digit each, of MNIST's training part: the test part stays for the figures of the one that is chosen.
Writes benchmarks/results/reference-choice.json.
"""

import argparse
from pathlib import Path

import results
from singles import SINGLE_STYLES, read, single_digits

import kerascnn
from kerascnn.inference.engines import measure_latency
from kerascnn.saving.stored_model import read_card

MOST_MILLISECONDS = 10.0


def score_model(model: str, pages: dict[str, list]) -> dict:
    """Score a model on the pictures of every style."""
    loaded = kerascnn.load(model)
    scores = [read(loaded, style, of_style) for style, of_style in pages.items()]
    card = loaded.card
    return {
        "model": Path(model).stem,
        "architecture": card.architecture,
        "num_samples": sum(score["num_samples"] for score in scores),
        "right": sum(score["right"] for score in scores),
        "withheld": sum(score["withheld"] for score in scores),
        "milliseconds_per_picture": measure_latency(loaded.engine, card.input_shape[:2]),
        "scores": scores,
    }


def main() -> None:
    """Score all models, record the scores, and print the choice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", help="Paths of .keras files.")
    parser.add_argument("--count", type=int, default=150, help="Number of pictures of each style.")
    parser.add_argument("--seed", type=int, default=200000, help="Random seed of the first picture of each style.")
    parser.add_argument("--dry-run", action="store_true", help="Read one picture of each style and record nothing.")
    arguments = parser.parse_args()
    count = 1 if arguments.dry_run else arguments.count
    pages = {style: single_digits(style, count, arguments.seed, part="train") for style in SINGLE_STYLES}
    rows = []
    for model in ["reference", *(name for name in arguments.models if read_card(Path(name)) is not None)]:
        rows.append(score_model(model, pages))
        print({key: value for key, value in rows[-1].items() if key != "scores"}, flush=True)
    quick = [row for row in rows if row["milliseconds_per_picture"] <= MOST_MILLISECONDS]
    best = max(quick, key=lambda row: row["right"])
    print(f"most digits: {best['model']}")
    if not arguments.dry_run:
        results.write("reference-choice", {"seed": arguments.seed, "chosen": best["model"], "models": rows})


if __name__ == "__main__":
    main()
