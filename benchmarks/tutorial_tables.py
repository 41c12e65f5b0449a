"""The tutorial's tables of measured and published figures; `tables.py` puts them between its markers."""

from statistics import mean

import results

from kerascnn.evaluation.significance import wilson_interval
from kerascnn.saving.model_files import LECTURE, REFERENCE, find_shipped_model
from kerascnn.saving.stored_model import read_card

SOFTMAX_TWICE = "softmax-twice.json"

PUBLISHED = (
    (1998, "LeNet-5 (LeCun, Bottou, Bengio, Haffner)", "99.05 %", "99.2 % with distorted training pictures"),
    (2003, "two convolutions, elastic distortions (Simard, Steinkraus, Platt)", "99.6 %", "the augmentation that "
     "everybody uses since"),
    (2012, "35 networks, averaged (Cireşan, Meier, Schmidhuber)", "99.77 %", "the digits in several widths"),
    (2013, "DropConnect (Wan, Zeiler, Zhang, LeCun, Fergus)", "99.79 %", "five networks vote"),
    (2020, "capsules without routing (Byerly, Kalganova, Dear)", "99.87 %", "an ensemble, searched for among the "
     "combinations of 32 networks; 99.83 % the best single one"),
    (2020, "filters of 3x3, 5x5 and 7x7 (An, Lee, Park, Yang, So)", "99.87 %", "majority of three; 99.91 % in two "
     "levels; both chosen on the test part: the best epoch of each network, and the best three of many"),
)  # fmt: skip
"""Year, network, accuracy on the test part, remark; the sources stand below the table."""


def softmax_twice_table() -> str:
    """Both variants, seed by seed, from `benchmarks/softmax_twice.py`."""
    record = _record()
    seeds = list(dict.fromkeys(run["seed"] for run in record["runs"]))
    names = {1: "softmax once", 2: "softmax twice"}
    columns = ("last training loss", "validation, mean", *(f"test, seed {seed}" for seed in seeds), "test, mean")
    lines = [f"| | {' | '.join(columns)} |", "|---|" + "---|" * len(columns)]
    for count, name in names.items():
        runs = [run for run in record["runs"] if run["softmax_count"] == count]
        loss, validation = (mean(run["history"][-1][key] for run in runs) for key in ("loss", "val_accuracy"))
        test = [run["test_accuracy"] for run in runs]
        cells = [f"{loss:.2f}", *(f"{value:.2%}" for value in (validation, *test, mean(test)))]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    seconds = mean(run["seconds"] for run in record["runs"])
    lines += [
        "",
        f"`{record['command']}`: one epoch over {record['num_train']:,} pictures in batches of {record['batch_size']} "
        f"(Adam, {record['learning_rate']:g}). With each seed both start from the same weights and see the same "
        f"pictures in the same order. {record['num_validation']:,} pictures to validate, {record['num_samples']:,} to "
        f"test, scored once a run. Keras {record['versions']['keras']} on {record['backend']}, {record['cores']} cores "
        f"of {_processor(record)} with other work on them, {seconds:.0f} s a run; {record['date']}.",
    ]
    return "\n".join(lines)


def state_of_the_art_table() -> str:
    """Published results, and those of the models that ship, from their cards."""
    lines = ["| year | network | test accuracy | remark |", "|---|---|---|---|"]
    lines += [f"| {year} | {network} | {accuracy} | {remark} |" for year, network, accuracy, remark in PUBLISHED]
    lines += [_shipped_row(LECTURE, "the network of section 3"), _shipped_row(REFERENCE, "a small residual network")]
    return "\n".join(lines)


TABLES = {"softmax-twice": softmax_twice_table, "state-of-the-art": state_of_the_art_table}


def _shipped_row(name: str, what: str) -> str:
    card = read_card(find_shipped_model(name))
    accuracy, count = card.metrics["test_accuracy"], card.metrics["num_samples"]
    low, high = wilson_interval(round(accuracy * count), count)
    return (
        f"| | `{name}`, which ships: {what}, {card.recipe['epochs']} epochs with the values on its card | "
        f"{100 * accuracy:.2f} % | a single network, its epoch chosen on validation data ("
        f"[Results](results.md) say how often the test part was looked at); 95 % interval {100 * low:.2f} to "
        f"{100 * high:.2f} % |"
    )


def _record() -> dict:
    (record,) = results.read(SOFTMAX_TWICE)
    return record


def _processor(record: dict) -> str:
    return f"an {record['processor']}" if record["processor"][:1] in "AEIO" else f"a {record['processor']}"
