"""The few figures of the README, from the records of the tables in docs/results.md."""

import results
from contestants import BASELINE, CONTENDERS
from table_cells import mean_and_deviation

from kerascnn.saving.model_files import REFERENCE, find_shipped_model
from kerascnn.saving.stored_model import read_card


def highlights_list() -> str:
    """List what kerascnn is good at, with figures and their numbers of samples."""
    return "\n".join(f"- {line}" for line in (_mnist(), _synthetic_pictures(), _rejection(), _speed()))


def _mnist() -> str:
    metrics = read_card(find_shipped_model(REFERENCE)).metrics
    runs = [row for row in results.read("accuracy-*-3-epochs-seed-*.json") if row["name"] not in CONTENDERS]
    seconds = min(row["training_seconds"] for row in runs)
    return (
        f"MNIST: `reference` reads {_percent(metrics['test_accuracy'], 2)} of {metrics['num_samples']:,} test images; "
        f"`kerascnn fit` reaches {mean_and_deviation(runs, 'test_accuracy')} ({len(runs)} runs) in {seconds:.0f} s on "
        "two cores."
    )


def _synthetic_pictures() -> str:
    (singles,) = results.read("singles.json")
    number, right = (sum(row[key] for row in singles["scores"]) for key in ("num_samples", "right"))
    (record,) = results.read("pages.json")
    (pages,) = (row for row in record["scores"] if (row["style"], row["segmenter"]) == ("all", "both"))
    return (
        f"Synthetic pictures, with shadows, ruled paper, chalk and the like: {_percent(right / number)} of {number} "
        f"single digits, {_percent(1 - pages['num_errors'] / pages['num_digits'])} of {pages['num_digits']:,} "
        "digits on pages."
    )


def _rejection() -> str:
    (record,) = results.read("rejection.json")
    letters, clothes, digits = (record[name] for name in ("letters", "Fashion-MNIST test", "MNIST test"))
    return (
        f"No digit, no answer: it rejects "
        f"{_percent(letters['withheld'])} of {letters['num_samples']:,} letters and "
        f"{_percent(clothes['withheld'])} of {clothes['num_samples']:,} pictures of clothes, but only "
        f"{_percent(digits['withheld'])} of MNIST's test images."
    )


def _speed() -> str:
    (speed,) = results.read("speed.json")
    (start_up,) = results.read("start-up.json")
    ratio = speed["training"]["kerascnn on tensorflow"][f"ratio_to_{BASELINE}"]
    seconds = start_up["median_seconds"]["predict one picture"]
    return (
        f"Speed: it trains {ratio:.1f} times as fast as a plain PyTorch loop; `predict` answers after {seconds:.2f} s, "
        f"and reads {start_up['pictures_per_second']:,} pictures a second."
    )


def _percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f} %"
