"""Tables for people: in a narrow terminal, and at a pipe, every column and every number is there in full."""

import pytest

from kerascnn.benchmarking.machine_benchmark import Benchmark, MatrixProduct, Rate
from kerascnn.cli.evaluation_tables import print_comparison, print_evaluation, print_segmentation
from kerascnn.cli.machine_tables import print_backends, print_benchmark
from kerascnn.cli.network_tables import print_models
from kerascnn.cli.tables import new_table, stdout_console
from kerascnn.cli.training_tables import print_ensemble, print_fit
from kerascnn.evaluation.comparison import Comparison, Disagreement
from kerascnn.evaluation.model_overview import compare_architectures
from kerascnn.evaluation.scoring import ClassResult, Evaluation
from kerascnn.evaluation.segmentation_scores import SegmentationScore
from kerascnn.saving.model_files import find_shipped_model
from kerascnn.saving.stored_model import read_card
from kerascnn.summary import summarize
from kerascnn.summary.text import format_summary
from kerascnn.utils.backend import BackendStatus

WIDTHS = ("40", "50", "80")


def make_evaluation() -> Evaluation:
    return Evaluation(
        accuracy=0.9954,
        loss=0.0162,
        calibration_error=0.0012,
        rejection=None,
        coverage_curve=(),
        num_samples=10000,
        per_class=tuple(ClassResult(str(digit), 0.98 + digit / 1000, 0.97, 0.96, 1000 + digit) for digit in range(10)),
        confusion_matrix=tuple(tuple(1000 + 10 * row + column for column in range(10)) for row in range(10)),
        model="reference",
        data="mnist",
        engine="onnxruntime",
    )


def show_comparison() -> None:
    evaluation = make_evaluation()
    disagreements = tuple(Disagreement(9000 + n, "4", ("4", "9"), (0.987, 0.654)) for n in range(3))
    names = ("a_model_of_twenty_letters", "reference")
    print_comparison(Comparison(names, (evaluation, evaluation), 0.0, 9000, 500, 300, 200, 0.1234, disagreements))


def show_benchmark() -> None:
    rate = Rate("tensorflow", "2.21.0", 12345.0, 0.5, (11111.0, 22222.0), 12.5, 3.25)
    failed = Rate("torch", None, problem="it is not installed")
    machine = {"processor": "a processor", "cores": 4}
    product = MatrixProduct(123.0, 1024, 4, 4.0, {})
    print_benchmark(
        Benchmark(machine, product, 1000, 500, rounds=5, seconds=5.0, training=(rate, failed), predicting=(rate,))
    )


def card_of(**changes):
    card = read_card(find_shipped_model())
    assert card is not None
    for name, value in changes.items():
        object.__setattr__(card, name, value)
    return card


MEMBER = {
    "name": "saved_models/first.keras",
    "architecture": "resnet",
    "recipe": "best",
    "seed": 12,
    "val_accuracy": 0.99,
}
SHOWN = {
    "models": lambda: print_models(compare_architectures()),
    "evaluate": lambda: print_evaluation(make_evaluation()),
    "evaluate two": show_comparison,
    "evaluate a segmenter": lambda: print_segmentation(SegmentationScore(0.9, 0.8, 0.7, {"a digit's pixels": 0.6}, 40)),
    "fit": lambda: print_fit(card_of(), []),
    "ensemble": lambda: print_ensemble(card_of(members=(MEMBER, MEMBER)), []),
    "backends": lambda: print_backends([BackendStatus("tensorflow", "2.21.0", ("CPU:0", "GPU:0", "GPU:1"))], None),
    "benchmark": show_benchmark,
}  # fmt: skip


def words(text: str) -> set[str]:
    """What stands in a table, apart from its shape."""
    return {word.strip(":") for word in text.split()} - {"-", ""}


@pytest.mark.parametrize("command", SHOWN)
def test_no_table_loses_anything_in_a_narrow_terminal(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    SHOWN[command]()
    whole = capsys.readouterr().out
    monkeypatch.delenv("COLUMNS")
    SHOWN[command]()
    assert words(capsys.readouterr().out) == words(whole)
    for width in WIDTHS:
        monkeypatch.setenv("COLUMNS", width)
        SHOWN[command]()
        assert words(capsys.readouterr().out) == words(whole)


@pytest.mark.parametrize("width", WIDTHS)
def test_summary_fits_and_has_every_number(width):
    result = summarize("cnn")
    text = format_summary(result, int(width))
    assert max(map(len, text.splitlines())) <= int(width)
    for layer in result.layers:
        assert {f"{layer.parameters.value:,}", f"{layer.multiply_adds.value:,}"} <= words(text)
    assert {"receptive", "field", "memory", "activations"} <= words(text)


def test_a_table_without_limit_stays_whole_and_a_narrow_one_is_divided(capsys, monkeypatch):
    table = new_table("name", *(f"column{n}" for n in range(9)))
    table.add_row("a", *(str(10**n) for n in range(9)))
    monkeypatch.delenv("COLUMNS", raising=False)
    table.print(stdout_console())
    assert len(capsys.readouterr().out.splitlines()) == 2
    monkeypatch.setenv("COLUMNS", "40")
    table.print(stdout_console())
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 40
    assert [line.split()[0] for line in lines if line] == ["name", "a"] * 3


def test_a_row_becomes_a_block_where_its_name_leaves_no_room(capsys, monkeypatch):
    table = new_table("model", "accuracy", "seconds")
    table.add_row("saved_models/a_name_that_takes_the_whole_line.keras", "99.54%", "3,018")
    table.add_row("b.keras", "98.00%")
    monkeypatch.setenv("COLUMNS", "40")
    table.print(stdout_console())
    assert capsys.readouterr().out.splitlines() == [
        "model: saved_models/a_name_that_takes_the_whole_line.keras",
        "accuracy: 99.54%",
        "seconds: 3,018",
        "",
        "model: b.keras",
        "accuracy: 98.00%",
    ]
