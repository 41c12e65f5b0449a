"""Measure how well ruled tables and forms are read: their cells, and what of it has to be checked by eye.

    python benchmarks/documents.py [--tables 20] [--forms 4] [--seed 1000] [--part test] [--processes 1]
                                   [--dry-run]

The documents are made ones (`kerascnn synthesize --table`, `--form`) in all styles by turns; nothing was chosen on
those of MNIST's test part from seed 1000. Each table is read with nothing known, and with a list of its numbers and 500
others; each form by the template that is drafted of its blank. Writes benchmarks/results/documents.json.
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import results
from PIL import Image

import kerascnn
from kerascnn.datasets.synthetic import SyntheticTable, make_form, make_table
from kerascnn.datasets.synthetic.documents.entries import EMPTY, STRUCK_OUT, WRITTEN, Entry
from kerascnn.forms.field_detection import find_fields
from kerascnn.forms.form_reading import FormReader
from kerascnn.forms.template import make_template
from kerascnn.inference.number_automaton import Rule
from kerascnn.inference.number_rules import make_rule
from kerascnn.inference.page_text import Box, Number, Page, TableCell
from kerascnn.inference.predictor import Predictor
from kerascnn.utils.errors import ImageError

_SURE = 0.99  # as read --review-below has it
_OTHERS = 500  # numbers on a list beside those of the table
_STACK = 4  # forms of each blank one


def score_table(table: SyntheticTable, model: Predictor, rule: Rule | None) -> Counter[str]:
    """Read a table and count its cells."""
    counts = Counter({"documents": 1})
    try:
        page = kerascnn.read(table.picture, model, rule=rule, table=True)
    except ImageError:
        page = Page((), table=())
    rows = page.table or ()
    shape = [len(row) for row in rows], [len(row) for row in table.cells]
    counts["grids"] += shape[0] == shape[1]
    for place, entries in enumerate(table.cells):
        for column, entry in enumerate(entries):
            if shape[0] == shape[1]:
                found = [rows[place][column]]
            else:
                found = [cell for row in rows for cell in row if _lies_in(cell.box, entry.box)]
            counts += score_entry(entry, found)
    return counts


def score_entry(entry: Entry, found: Sequence[TableCell]) -> Counter[str]:
    """Count a cell or a field, given what was found at its place: one cell, unless the grid is wrong."""
    if entry.state not in {WRITTEN, EMPTY, STRUCK_OUT}:
        return Counter()
    numbers = [cell.number for cell in found if cell.number is not None]
    struck = any(cell.is_struck_out for cell in found)
    counts = Counter({entry.state: 1})
    # What is not read at all, or divided by a wrong grid, is a mistake that no review brings up.
    confidence = max((number.confidence for number in numbers), default=1.0)
    if entry.state == WRITTEN:
        is_right = len(found) == 1 and len(numbers) == 1 and numbers[0].text == entry.text
        counts["to review"] += confidence < _SURE
        counts["wrong without review"] += confidence >= _SURE and not is_right
    elif entry.state == EMPTY:
        is_right = bool(found) and not numbers and not struck
    else:
        is_right = bool(found) and not any(_is_sure(number) for number in numbers) and (struck or bool(numbers))
        counts["struck out, marked"] += struck and not numbers
    counts[f"{entry.state}, right"] += is_right
    return counts


def _is_sure(number: Number) -> bool:
    return "?" not in number.text and number.confidence >= _SURE


def _lies_in(box: Box, other: Box) -> bool:
    x, y = box[0] + box[2] / 2, box[1] + box[3] / 2
    return other[0] <= x <= other[0] + other[2] and other[1] <= y <= other[1] + other[3]


def list_numbers(table: SyntheticTable) -> Rule:
    """Make a list of the numbers of a table and others of as many digits."""
    numbers = [cell.written for row in table.cells for cell in row if cell.state in {WRITTEN, STRUCK_OUT}]
    generator = np.random.default_rng(table.seed)
    lengths = generator.choice([len(number) for number in numbers], _OTHERS)
    return make_rule(expected=[*numbers, *("".join(map(str, generator.integers(0, 10, size))) for size in lengths)])


def score_stack(seed: int, part: str, model: Predictor, count: int) -> Counter[str]:
    """Read a stack of one form by the template that is drafted of the blank one, and count its fields."""
    counts: Counter[str] = Counter()
    blank = make_form(seed, 0, part=part)
    with tempfile.TemporaryDirectory() as directory:
        Image.fromarray(blank.picture).save(Path(directory) / "blank.png")
        drafted = find_fields(blank.picture, "the blank form")
        template = Path(directory) / "form.json"
        template.write_bytes(make_template("blank.png", drafted).to_json())
        reader = FormReader(template, model)
        names = {
            name: next((field.name for field in drafted if _lies_in(entry.box, field.box)), "")
            for name, entry in blank.fields.items()
        }
        for number in range(1, count + 1):
            form = make_form(seed, number, part=part)
            try:
                read = {field.name: field.number for field in reader.read(form.picture).fields}
            except ImageError:
                read = {}
            counts += Counter({"documents": 1, "grids": bool(read)})
            for name, entry in form.fields.items():
                found = [TableCell(entry.box, read[names[name]])] if names[name] in read else []
                counts += score_entry(entry, found)
    return counts


def measure(job: tuple[str, int, str]) -> dict[str, Counter[str]]:
    """Make and read the document of a kind, a seed and a part of MNIST, or the stack of them."""
    kind, seed, part = job
    model = kerascnn.load("reference")
    if kind == "forms":
        return {kind: score_stack(seed, part, model, _STACK)}
    table = make_table(seed, part=part)
    return {
        kind: score_table(table, model, None),
        f"{kind}, a list of {_OTHERS}": score_table(table, model, list_numbers(table)),
    }


def main() -> None:
    """Parse, measure, record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=20, help="Number of tables.")
    parser.add_argument("--forms", type=int, default=4, help="Number of blank forms, each filled in four times.")
    parser.add_argument("--seed", type=int, default=1000, help="Random seed of the first table and the first form.")
    parser.add_argument("--part", default="test", help="Part of MNIST whose digits are written.")
    parser.add_argument("--processes", type=int, default=1, help="Number of processes.")
    parser.add_argument("--dry-run", action="store_true", help="Read one table, no form, and write nothing.")
    arguments = parser.parse_args()
    num_tables, num_forms = (1, 0) if arguments.dry_run else (arguments.tables, arguments.forms)
    jobs = [("tables", arguments.seed + number, arguments.part) for number in range(num_tables)]
    jobs += [("forms", arguments.seed + number, arguments.part) for number in range(num_forms)]
    scores: dict[str, Counter[str]] = {}
    with ProcessPoolExecutor(arguments.processes, get_context("spawn")) as pool:
        for job, found in zip(jobs, pool.map(measure, jobs), strict=True):
            for name, counts in found.items():
                print(job[1], name, dict(counts), flush=True)
                scores.setdefault(name, Counter()).update(counts)
    for name, counts in scores.items():
        print(name, dict(counts))
    if not arguments.dry_run:
        figures = {"first seed": arguments.seed, "part": arguments.part, "scores": scores}
        results.write("documents", figures)


if __name__ == "__main__":
    main()
