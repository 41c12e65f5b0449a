"""Put the recorded figures into the README, between its markers: `python benchmarks/tables.py`."""

import re
from pathlib import Path

import results

README = Path(__file__).parent.parent / "README.md"


def training_table() -> str:
    """Backend, epochs, seconds, accuracy of each recorded run of `benchmarks/training.py`."""
    lines = [
        "| backend | epochs | seconds (whole command) | test accuracy | command |",
        "|---|---|---|---|---|",
    ]
    for row in results.read("training-*.json"):
        version = row["versions"][row["backend"]].split("+")[0]
        lines.append(
            f"| {row['backend']} {version} | {row['epochs']} | {row['seconds']:.0f} | {row['test_accuracy']:.2%} "
            f"| `{row['command']}` |"
        )
    return "\n".join(lines)


def start_up_table() -> str:
    """What a user waits for, from `benchmarks/start_up.py`."""
    (row,) = results.read("start-up.json")
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
        ]
    )


def rejection_table() -> str:
    """What gets no answer, from `benchmarks/rejection.py`."""
    (record,) = results.read("rejection.json")
    rows = [(name, value) for name, value in record.items() if isinstance(value, dict) and "withheld" in value]
    lines = ["| pictures | number | without an answer |", "|---|---|---|"]
    return "\n".join(lines + [f"| {name} | {row['num_samples']:,} | {row['withheld']:.1%} |" for name, row in rows])


def singles_table() -> str:
    """Single synthetic digits by style, from `benchmarks/singles.py`."""
    (record,) = results.read("singles.json")
    lines = ["| style | pictures | right | without an answer |", "|---|---|---|---|"]
    for row in record["scores"]:
        share = row["right"] / row["num_samples"]
        lines.append(f"| {row['style']} | {row['num_samples']} | {share:.1%} | {row['withheld']} |")
    return "\n".join(lines)


TABLES = {
    "singles": singles_table,
    "rejection": rejection_table,
    "training": training_table,
    "start-up": start_up_table,
}


def with_tables(text: str) -> str:
    """The README's text with every table made anew from the result files."""
    for name, make in TABLES.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(\n<!-- /{name} -->)", re.DOTALL)
        text, count = pattern.subn(lambda match, make=make: match[1] + make() + match[2], text)
        if count != 1:
            raise SystemExit(f"README.md has no place for the table {name!r}")
    return text


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text(encoding="utf-8")), encoding="utf-8")
