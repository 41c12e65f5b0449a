"""The tables of docs/networks.md: the architectures side by side, and the candidates for the model that ships."""

import statistics

import networks
import results
from table_cells import disturbance, mean_and_deviation

from kerascnn.models import ARCHITECTURES
from kerascnn.summary.counts import find_counts
from kerascnn.training.run_settings import DEFAULT_ARCHITECTURE


def networks_table() -> str:
    """The architectures with the recipe `best`, and the ensemble, from `benchmarks/networks.py`."""
    lines = [
        "| `--architecture` | weights | runs | trained on | validation | test | minutes of training | ms a picture |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in networks.BACKENDS:
        rows = results.read(f"network-{name}-seed-*.json")
        if rows:
            minutes = min(row["seconds"] for row in rows) / 60
            lines.append(
                f"| `{name}` | {rows[0]['num_parameters']:,} | {len(rows)} "
                f"| {rows[0]['num_train']:,} | {mean_and_deviation(rows, 'val_accuracy')} "
                f"| {mean_and_deviation(rows, 'test_accuracy')} | {minutes:.0f} | {_milliseconds(rows):.2f} |"
            )
    for row in results.read("ensemble.json"):
        members = f"ensemble of {len(row['members'])}: {', '.join(row['members'])}"
        lines.append(
            f"| {members} | | 1 | | {100 * row['val_accuracy']:.2f} % | {100 * row['test_accuracy']:.2f} % "
            f"| | {_milliseconds([row]):.2f} |"
        )
    return "\n".join([*lines, *disturbance([results.read("network-*-seed-*.json")])])


def architectures_table() -> str:
    """The networks to choose from, with the test accuracy of those that `benchmarks/networks.py` trained."""
    lines = ["| `--architecture` | what it is | weights | test accuracy, recipe `best` |", "|---|---|---|---|"]
    for name, facts in ARCHITECTURES.items():
        rows = results.read(f"network-{name}-seed-*.json")
        found = f"{mean_and_deviation(rows, 'test_accuracy')} ({_number_of(rows)})" if rows else "-"
        default = "; the default" if name == DEFAULT_ARCHITECTURE else ""
        lines.append(f"| `{name}` | {facts.description}{default} | {find_counts(name).num_parameters:,} | {found} |")
    return "\n".join(lines)


def _number_of(rows: list[dict]) -> str:
    return "one run" if len(rows) == 1 else f"{len(rows)} runs"


def reference_choice_table() -> str:
    """Accuracy of each candidate, from `benchmarks/reference_choice.py`; nothing while there is no record."""
    for record in results.read("reference-choice.json"):
        lines = ["| model | architecture | pictures | right | rejected | ms a picture |", "|---|---|---|---|---|---|"]
        for row in sorted(record["models"], key=lambda row: -row["right"]):
            right, withheld = (row[key] / row["num_samples"] for key in ("right", "withheld"))
            lines.append(
                f"| {row['model']} | {row['architecture']} | {row['num_samples']:,} | {right:.2%} | {withheld:.2%} "
                f"| {_milliseconds([row]):.2f} |"
            )
        return "\n".join(lines)
    return ""


def _milliseconds(rows: list[dict]) -> float:
    return statistics.mean(row["milliseconds_per_picture"] for row in rows)


TABLES = {"networks": networks_table, "reference-choice": reference_choice_table}
