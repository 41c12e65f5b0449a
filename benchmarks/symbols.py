"""Fit what tells symbols from digits, and measure how many numbers with symbols are read exactly.

    python benchmarks/symbols.py [--fit] [--count 170] [--pages 2] [--seed 70000] [--dry-run]

With --fit, writes kerascnn/reference/symbols.npz first, from synthetic pages of those of MNIST's training digits that
the reference model was not trained on, but validated. Then measures on pages of digits of MNIST's test part and of
other seeds, whose symbols are written by other hands: the same pages with symbols, and with the same digits alone.
Writes benchmarks/results/symbols.json.
"""

import argparse
from collections import Counter

import numpy as np
import results

import kerascnn
from kerascnn.datasets.synthetic import SYMBOL_STYLES, SyntheticPage, make_symbol_page
from kerascnn.images.symbol_candidates import SYMBOLS
from kerascnn.inference.page_text import Number, Page
from kerascnn.inference.segmenters import load_segmenter
from kerascnn.inference.symbol_reading import WEIGHTS
from kerascnn.saving.model_files import find_shipped_model
from kerascnn.utils.backend import activate

_CLASSICAL = 3  # of so many pages all but one are segmented without the U-Net, which takes most of the time


def fit(count: int, seed: int, backend: str, *, dry: bool) -> dict:
    """Fit the weights on some pages, and write them."""
    activate(backend)
    from kerascnn.training.symbol_fitting import collect_symbols, fit_symbols

    model, parts = kerascnn.load("reference"), []
    segmenters = {name: load_segmenter(name) for name in ("both", "classical")}
    for number in range(seed, seed + count):
        style = SYMBOL_STYLES[number % len(SYMBOL_STYLES)]
        page = make_symbol_page(style, number, part="validation", others=True)
        name = "classical" if number % _CLASSICAL else "both"
        parts.append(collect_symbols([page], model, segmenters[name]))
    examples = type(parts[0])(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
    weights = fit_symbols(examples)
    if not dry:
        np.savez(find_shipped_model("reference").parent / WEIGHTS, **weights)
    return {"pages": count, "first seed": seed, "candidates": len(examples.labels)}


def list_numbers(page: SyntheticPage) -> list[tuple[str, tuple[int, int, int, int]]]:
    """List the numbers of a page with the box of each: left, top, right, bottom."""
    numbers = []
    for text, boxes in zip(page.lines, page.boxes, strict=True):
        rest = list(boxes)
        for number in text.split():
            own, rest = rest[: len(number)], rest[len(number) :]
            corners = np.array([(left, top, left + width, top + height) for left, top, width, height in own])
            numbers.append((number, (*corners[:, :2].min(axis=0).tolist(), *corners[:, 2:].max(axis=0).tolist())))
    return numbers


def count_exact(page: SyntheticPage, read: Page) -> Counter:
    """Count the numbers that are read exactly: one number at the place, which is equal."""
    found = [number for line in read.lines for number in line.numbers]
    counts: Counter = Counter()
    for text, corners in list_numbers(page):
        here = [number.text for number in found if _is_at(number, corners)]
        counts["numbers"] += 1
        counts["exact"] += here == [text]
        counts["with symbols"] += not text.isdigit()
        counts["exact with symbols"] += here == [text] and not text.isdigit()
    return counts


def _is_at(number: Number, corners: tuple[int, int, int, int]) -> bool:
    left, top, width, height = number.box
    x, y = left + width / 2, top + height / 2
    return corners[0] <= x <= corners[2] and corners[1] <= y <= corners[3]


def measure(count: int, seed: int) -> dict:
    """Read pages with symbols, and the same digits alone."""
    model, figures = kerascnn.load("reference"), {}
    for style in SYMBOL_STYLES:
        with_symbols, alone = Counter(), Counter()
        for number in range(seed, seed + count):
            page = make_symbol_page(style, number)
            with_symbols += count_exact(page, kerascnn.read(page.picture, model, symbols=SYMBOLS))
            page = make_symbol_page(style, number, symbols="")
            alone += count_exact(page, kerascnn.read(page.picture, model))
        figures[style] = {"symbols": dict(with_symbols), "digits alone": dict(alone)}
        print(style, figures[style], flush=True)
    return figures


def main() -> None:
    """Parse, fit if that is asked for, measure, record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", action="store_true", help="Fit the weights first.")
    parser.add_argument("--count", type=int, default=170, help="Number of pages to fit on.")
    parser.add_argument("--pages", type=int, default=2, help="Number of pages of each style to measure on.")
    parser.add_argument("--seed", type=int, default=70_000, help="Random seed of the first page to measure on.")
    parser.add_argument("--backend", default="torch", help="Backend on which the weights are fitted.")
    parser.add_argument("--dry-run", action="store_true", help="Fit on few pages, read few, and write nothing.")
    arguments = parser.parse_args()
    if arguments.fit or arguments.dry_run:
        print(fit(4 if arguments.dry_run else arguments.count, 0, arguments.backend, dry=arguments.dry_run))
    if arguments.dry_run:
        page = make_symbol_page("plain", arguments.seed)
        print(dict(count_exact(page, kerascnn.read(page.picture, "reference", symbols=SYMBOLS))))
        return
    figures = measure(arguments.pages, arguments.seed)
    totals = {name: dict(sum((Counter(one[name]) for one in figures.values()), Counter())) for name in figures["plain"]}
    print(totals)
    results.write(
        "symbols", {"pages a style": arguments.pages, "first seed": arguments.seed, "all": totals, "styles": figures}
    )


if __name__ == "__main__":
    main()
