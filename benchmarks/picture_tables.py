"""Tables of the measurements on pictures as people have them: invariance, and other programs."""

import statistics

import results


def invariance_table() -> str:
    """Agreement with the answer at native size, from `benchmarks/invariance.py`; nothing while there is no record."""
    lines = ["| what varies | pictures | agree | right | withheld | lowest agreement |", "|---|---|---|---|---|---|"]
    for record in results.read("invariance.json"):
        for axis, rows in record["scores"].items():
            total = sum(row["num_samples"] for row in rows.values())
            agreeing, right, withheld = (
                sum(row[key] for row in rows.values()) / total for key in ("agreeing", "right", "withheld")
            )
            share, name = min((row["agreeing"] / row["num_samples"], name) for name, row in rows.items())
            lowest = f"{share:.1%}, {name}" if len(rows) > 1 else "-"
            lines.append(f"| {axis} | {total:,} | {agreeing:.1%} | {right:.1%} | {withheld:.1%} | {lowest} |")
        return "\n".join(lines)
    return ""


def peers_table() -> str:
    """Programs on the same pictures, from `benchmarks/peers.py`; nothing while there is no record."""
    for record in results.read("peers.json"):
        measured = {name: row for name, row in record["peers"].items() if "scores" in row}
        sets = {
            one: sum(score["num_samples"] for score in row["scores"] if score["set"] == one)
            for row in measured.values()
            for one in dict.fromkeys(score["set"] for score in row["scores"])
        }
        heads = (f"{one}, {count} pictures" for one, count in sets.items())
        lines = [f"| | {' | '.join(heads)} |", "|---" * (len(sets) + 1) + "|"]
        for name, row in measured.items():
            cells = (_cell([score for score in row["scores"] if score["set"] == one]) for one in sets)
            lines.append(f"| {name} {row['version']} | {' | '.join(cells)} |")
        skipped = [
            f"{name} is left out: {row['skipped']}." for name, row in record["peers"].items() if "skipped" in row
        ]
        return "\n".join([*lines, *(["", *skipped] if skipped else [])])
    return ""


def numbers_table() -> str:
    """Whole numbers with what is known of them (`benchmarks/whole_numbers.py`); nothing while there is no record."""
    lines = [
        "| what is known | numbers | right | probability below 0.99 | wrong among the others |",
        "|---|---|---|---|---|",
    ]
    for record in results.read("numbers.json"):
        for name, row in record["scores"].items():
            count, doubtful = row["numbers"], row["below 0.99"]
            wrong = f"{row['wrong from 0.99']} of {count - doubtful}"
            lines.append(f"| {name} | {count} | {row['right'] / count:.1%} | {doubtful / count:.1%} | {wrong} |")
        return "\n".join(lines)
    return ""


def reliability_table() -> str:
    """Whether the probability of a number is the share that is right, from the same measurement."""
    lines = ["| what is known | numbers | mean probability | right |", "|---|---|---|---|"]
    for record in results.read("numbers.json"):
        for name, row in record["scores"].items():
            lines += [f"| {name} | {count} | {mean:.1%} | {right / count:.1%} |" for count, mean, right in row["bins"]]
        return "\n".join(lines)
    return ""


def symbols_table() -> str:
    """Numbers with symbols, and their digits alone (`benchmarks/symbols.py`); nothing while there is no record."""
    lines = [
        "| style | numbers | exact | those with symbols | exact | the same digits alone |",
        "|---|---|---|---|---|---|",
    ]
    for record in results.read("symbols.json"):
        for style, row in {**record["styles"], "all": record["all"]}.items():
            count, with_symbols = row["symbols"]["numbers"], row["symbols"]["with symbols"]
            exact, right = row["symbols"]["exact"] / count, row["symbols"]["exact with symbols"] / with_symbols
            alone = row["digits alone"]["exact"] / row["digits alone"]["numbers"]
            lines.append(f"| {style} | {count} | {exact:.1%} | {with_symbols} | {right:.1%} | {alone:.1%} |")
        return "\n".join(lines)
    return ""


def documents_table() -> str:
    """Ruled tables and forms (`benchmarks/documents.py`); nothing while there is no record."""
    lines = [
        "| | sheets | grid right | numbers | exact | empty cells right | struck out, marked | probability below 0.99 "
        "| wrong among the others |",
        "|---" * 9 + "|",
    ]
    for record in results.read("documents.json"):
        for name, row in record["scores"].items():
            count = row["written"]
            shares = [
                f"{row.get(right, 0)} of {row.get(whole, 0)}"
                for right, whole in (("empty, right", "empty"), ("struck out, marked", "struck out"))
            ]
            sheets, doubtful = row["documents"], row.get("to review", 0)
            lines.append(
                f"| {name} | {sheets} | {row.get('grids', 0)} | {count} | {row.get('written, right', 0) / count:.1%} "
                f"| {' | '.join(shares)} | {doubtful / count:.1%} "
                f"| {row.get('wrong without review', 0)} of {count - doubtful} |"
            )
        return "\n".join(lines)
    return ""


def _cell(scores: list[dict]) -> str:
    """Single digits: right, wrong, and the lowest share of right ones in any rendering; strings and pages."""
    if not scores:
        return "-"
    if scores[0]["kind"] != "single":
        digits, exact = (
            sum(score[part] for score in scores) / sum(score[whole] for score in scores)
            for part, whole in (("errors", "digits"), ("exact_lines", "lines"))
        )
        return f"{1 - digits:.1%} / {exact:.0%}"
    right = [score["right"] / score["num_samples"] for score in scores]
    withheld = statistics.mean(score["withheld"] / score["num_samples"] for score in scores)
    mean = statistics.mean(right)
    lowest = f" (from {min(right):.0%})" if len(scores) > 1 else ""
    return f"{mean:.1%}{lowest} / {max(0.0, 1 - mean - withheld):.1%}"


TABLES = {
    "numbers": numbers_table,
    "reliability": reliability_table,
    "symbols": symbols_table,
    "documents": documents_table,
    "invariance": invariance_table,
    "peers": peers_table,
}
