"""Put the recorded figures into the README and docs/, between their markers: `python benchmarks/tables.py`."""

import re
import statistics
from collections.abc import Callable
from pathlib import Path

import highlights
import network_figure
import network_tables
import picture_tables
import results
import tutorial_tables
from ablation import VARIANTS
from accuracy_figure import mean_points
from contestants import BASELINE, CONTENDERS, EXAMPLES, label
from table_cells import disturbance, mean_and_deviation

_FEWEST_RUNS = 3  # smallest number of runs for a mean
_ROOT = Path(__file__).parent.parent
_DOCS = _ROOT / "docs"
_FIGURE = "images/accuracy-against-time.png"


def training_table() -> str:
    """Accuracy of `kerascnn fit` by number of epochs, from `benchmarks/accuracy_against_time.py`."""
    rows = [row for row in results.read("accuracy-*-epochs-seed-*.json") if row["name"] not in CONTENDERS]
    lines = ["| command | runs | validation | test | seconds of training, quickest run |", "|---|---|---|---|---|"]
    for command in dict.fromkeys(row["command"].rsplit(" --seed", 1)[0] for row in rows):
        runs = [row for row in rows if row["command"].rsplit(" --seed", 1)[0] == command]
        if len(runs) >= _FEWEST_RUNS:
            lines.append(
                f"| `{command}` | {len(runs)} | {mean_and_deviation(runs, 'val_accuracy')} "
                f"| {mean_and_deviation(runs, 'test_accuracy')} | {min(row['training_seconds'] for row in runs):.0f} |"
            )
    return "\n".join([*lines, *disturbance([rows])])


def start_up_table() -> str:
    """Waiting times, from `benchmarks/start_up.py`."""
    (row,) = results.read("start-up.json")
    (photo,) = results.read("large-photo.json")
    median = row["median_seconds"]
    return "\n".join(
        [
            f"| whole command | median of {row['runs']} |",
            "|---|---|",
            f"| `kerascnn --help` | {median['help']:.2f} s |",
            f"| `kerascnn predict one.png` | {median['predict one picture']:.2f} s |",
            "| `kerascnn predict one.png --backend tensorflow` "
            f"| {median['predict one picture --backend tensorflow']:.2f} s |",
            f"| `kerascnn predict` of a directory of {row['num_pictures']:,} pictures "
            f"| {median['predict a directory']:.1f} s, {row['pictures_per_second']:,} a second |",
            f"| `kerascnn read photo.jpg`, {photo['megapixels']:.0f} megapixels "
            f"| {photo['median_seconds']:.2f} s, {photo['peak_mebibytes']} MiB |",
        ]
    )


def rejection_table() -> str:
    """Rejection rates, from `benchmarks/rejection.py`."""
    (record,) = results.read("rejection.json")
    fitted = results.read("rejection-quick-seed-*.json")
    rows = [(name, value) for name, value in record.items() if isinstance(value, dict) and "withheld" in value]
    runs = "1 run" if len(fitted) == 1 else f"{len(fitted)} runs"
    lines = [f"| pictures | number | `reference` | `kerascnn fit`, {runs} |", "|---|---|---|---|"]
    for name, row in rows:
        shares = [run[name]["withheld"] for run in fitted if name in run]
        mean = f"{statistics.mean(shares):.1%}" if shares else ""
        lines.append(f"| {name} | {row['num_samples']:,} | {row['withheld']:.1%} | {mean} |")
    return "\n".join(lines)


def singles_table() -> str:
    """Single synthetic digits by style, from `benchmarks/singles.py`."""
    (record,) = results.read("singles.json")
    lines = ["| style | pictures | right | rejected |", "|---|---|---|---|"]
    for row in record["scores"]:
        share = row["right"] / row["num_samples"]
        lines.append(f"| {row['style']} | {row['num_samples']} | {share:.1%} | {row['withheld']} |")
    total, right, withheld = (sum(row[key] for row in record["scores"]) for key in ("num_samples", "right", "withheld"))
    lines.append(f"| all | {total} | {right / total:.1%} | {withheld} |")
    return "\n".join(lines)


def pages_table() -> str:
    """Synthetic pages by style, read with each segmenter, from `benchmarks/pages.py`."""
    lines = [
        "| style | digits | right | U-Net alone | classical | lines | without a mistake | U-Net alone | classical |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for style, rows in _pages().items():
        first = rows["both"]
        digits = [f"{1 - row['num_errors'] / row['num_digits']:.1%}" for row in rows.values()]
        exact = [f"{row['num_exact_lines'] / row['num_lines']:.1%}" for row in rows.values()]
        lines.append(
            f"| {style} | {first['num_digits']:,} | {' | '.join(digits)} | {first['num_lines']} | {' | '.join(exact)} |"
        )
    return "\n".join(lines)


def segmenters_table() -> str:
    """Found, split and merged digits of the same pages with each segmenter, from `benchmarks/pages.py`."""
    lines = [
        "| style | segmenter | digits | found | split | merged | right | IoU | seconds a page |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for style, rows in _pages().items():
        for name, row in rows.items():
            lines.append(
                f"| {style} | {name} | {row['num_digits']:,} | {row['found'] / row['num_digits']:.1%} | {row['split']} "
                f"| {row['merged']} | {1 - row['num_errors'] / row['num_digits']:.1%} "
                f"| {row['ink_of_both'] / row['ink_of_either']:.3f} | {row['seconds'] / row['num_pages']:.2f} |"
            )
    return "\n".join(lines)


def _pages() -> dict[str, dict[str, dict]]:
    """The scores of `benchmarks/pages.py` by style and segmenter."""
    (record,) = results.read("pages.json")
    styles = dict.fromkeys(row["style"] for row in record["scores"])
    return {style: {row["segmenter"]: row for row in record["scores"] if row["style"] == style} for style in styles}


def speed_table() -> str:
    """Images a second in training, from `benchmarks/speed.py`; nothing while there is no record."""
    for record in results.read("speed.json"):
        lines = [
            "Training, images a second (`python benchmarks/speed.py`; all take turns in "
            f"{record['rounds']} rounds, medians of the rounds' rates and ratios; the "
            "first step includes compilation; the same network, dropout, Adam and batch where the name says nothing "
            f"else; {_limit(record, 'training')}):",
            "",
            "| batches of 128 | images/s | against the plain PyTorch loop | of the limit | first step |",
            "|---|---|---|---|---|",
        ]
        for name, row in record["training"].items():
            lines.append(
                f"| {_linked(name)} | {row['images_per_second']:,.0f} | {row[f'ratio_to_{BASELINE}']:.2f} "
                f"| {row['share_of_peak']:.0%} | {row['first_step_seconds']:.1f} s |"
            )
        return "\n".join([*lines, *disturbance(record["training_runs"].values())])
    return ""


def predicting_table() -> str:
    """Images a second in predicting, from `benchmarks/speed.py`; nothing while there is no record."""
    for record in results.read("speed.json"):
        lines = [
            f"Predicting 10,000 arrays (the same command; {_limit(record, 'predicting')}):",
            "",
            "| engine | images/s | of the limit |",
            "|---|---|---|",
        ]
        for name, row in record["predicting"].items():
            version = record["versions"][name].split("+")[0]
            lines.append(f"| {name} {version} | {row['images_per_second']:,.0f} | {row['share_of_peak']:.0%} |")
        return "\n".join([*lines, *disturbance(record["predicting_runs"].values())])
    return ""


def _limit(record: dict, task: str) -> str:
    gflops = statistics.median(run["gflops"] for run in record["matrix_product"][task])
    return f"the limit is the product of large float32 matrices, {gflops:.0f} GFLOPS"


def _linked(name: str) -> str:
    return f"[{label(name)}](../benchmarks/contenders/{name}.py)" if name in CONTENDERS else name


def accuracy_table() -> str:
    """Seconds to 99.0 %, from `benchmarks/accuracy_against_time.py`; nothing while there are no records."""
    points = mean_points(results.read("accuracy-*-epochs-seed-*.json"))
    if EXAMPLES not in points or not any(name not in CONTENDERS for name in points):
        return ""
    reached = {name: next((point for point in row if point[1] >= 99.0), None) for name, row in points.items()}
    examples = reached[EXAMPLES] or points[EXAMPLES][-1]
    lines = [
        "The shortest run of fixed length whose mean test accuracy reaches 99.0 % "
        "(`python benchmarks/accuracy_against_time.py`; seconds of training and validation, compilation included):",
        "",
        "| | epochs | runs | mean test accuracy | seconds | against the PyTorch examples |",
        "|---|---|---|---|---|---|",
    ]
    for name in sorted(points, key=lambda name: (name in CONTENDERS, name)):
        seconds, accuracy, epochs, runs = reached[name] or points[name][-1]
        note = "" if reached[name] else " (not reached)"
        ratio = f"{seconds / examples[0]:.2f}" if reached[name] and reached[EXAMPLES] else "-"
        lines.append(f"| {_linked(name)} | {epochs} | {runs} | {accuracy:.2f}%{note} | {seconds:.0f} | {ratio} |")
    lines += disturbance([results.read("accuracy-*-epochs-seed-*.json")])
    if (_DOCS / _FIGURE).is_file():
        lines += [
            "",
            f"![Test accuracy against time of training, for each contestant]({_FIGURE})",
            "",
            "One point more to the right is one epoch more; small points are single runs, large ones their means.",
        ]
    return "\n".join(lines)


def ablation_table() -> str:
    """Ablation of the recipe `quick`, from `benchmarks/ablation.py`."""
    lines = ["| changed | runs | validation | test | seconds |", "|---|---|---|---|---|"]
    for name, (text, changes) in VARIANTS.items():
        rows = results.read(f"ablation-{name}-seed-*.json")
        if not rows:
            continue
        seconds = min(row["training_seconds"] for row in rows)
        options = f", `{' '.join(changes)}`" if changes else ""
        lines.append(
            f"| {text}{options} | {len(rows)} | {mean_and_deviation(rows, 'val_accuracy')} "
            f"| {mean_and_deviation(rows, 'test_accuracy')} | {seconds:.0f} |"
        )
    return "\n".join([*lines, *disturbance([results.read("ablation-*-seed-*.json")])])


def residuals_table() -> str:
    """Plain against residual networks, from `benchmarks/residuals.py`."""
    lines = [
        "| layers | | weights | loss, last 25 steps | validation | gradient, first / last convolution |",
        "|---|---|---|---|---|---|",
    ]
    for row in sorted(results.read("residuals-*.json"), key=lambda row: (row["num_layers"], row["kind"])):
        norms = row["gradient_norms"]["first"]
        lines.append(
            f"| {row['num_layers']} | {row['kind']} | {row['num_parameters']:,} "
            f"| {statistics.mean(row['losses'][-25:]):.3f} | {row['val_accuracy']:.2%} "
            f"| {norms[0]:.2g} / {norms[-1]:.2g} |"
        )
    return "\n".join(lines)


def streaming_table() -> str:
    """Training from memory and from files, from `benchmarks/streaming.py`; nothing while there is no record."""
    for record in results.read("streaming.json"):
        lines = ["| images | where | microseconds a sample | against memory | peak MiB |", "|---|---|---|---|---|"]
        in_memory = {}
        for size, kind in dict.fromkeys((row["size"], row["kind"]) for row in record["runs"]):
            runs = [row for row in record["runs"] if (row["size"], row["kind"]) == (size, kind)]
            speed = statistics.median(row["images_per_second"] for row in runs)
            in_memory.setdefault(size, speed)
            peak = statistics.median(row["peak_mebibytes"] for row in runs)
            lines.append(f"| {size:,} | {kind} | {1e6 / speed:.0f} | {speed / in_memory[size]:.2f} | {peak:,.0f} |")
        return "\n".join(lines)
    return ""


TABLES = {
    "speed": speed_table,
    "predicting": predicting_table,
    "accuracy-against-time": accuracy_table,
    "pages": pages_table,
    "singles": singles_table,
    "rejection": rejection_table,
    "training": training_table,
    "architectures": network_tables.architectures_table,
    "start-up": start_up_table,
    **picture_tables.TABLES,
}


DOCUMENTS = {
    _ROOT / "README.md": {"highlights": highlights.highlights_list},
    _DOCS / "results.md": TABLES,
    _DOCS / "recipes.md": {"ablation": ablation_table},
    _DOCS / "networks.md": network_tables.TABLES,
    _DOCS / "performance.md": {"streaming": streaming_table},
    _DOCS / "residuals.md": {"residuals": residuals_table},
    _DOCS / "segmentation.md": {"segmenters": segmenters_table},
    _DOCS / "tutorial.md": tutorial_tables.TABLES,
}


def update_tables(text: str, tables: dict[str, Callable[[], str]]) -> str:
    """Make every table of a document anew from the result files."""
    for name, make in tables.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(\n<!-- /{name} -->)", re.DOTALL)
        text, count = pattern.subn(lambda match, make=make: match[1] + make() + match[2], text)
        if count != 1:
            raise SystemExit(f"there is no place for the table {name!r}")
    return text


if __name__ == "__main__":
    for document, tables in DOCUMENTS.items():
        document.write_text(update_tables(document.read_text(encoding="utf-8"), tables), encoding="utf-8")
    network_figure.draw()
