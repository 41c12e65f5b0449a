"""`evaluate --output` and the comparison of two models: numbers recomputed, files opened, on the real MNIST."""

import csv
import io
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from conftest import assert_clear_failure, clean_environment, copy_reference, repack, write_idx
from PIL import Image

import kerascnn
from kerascnn.datasets import Dataset
from kerascnn.evaluation.comparison import compare
from kerascnn.evaluation.projection import principal_components
from kerascnn.evaluation.scoring import predict_and_score
from kerascnn.evaluation.significance import mcnemar_p_value, wilson_interval
from kerascnn.inference.predictor import Predictor
from kerascnn.saving.card import Card
from kerascnn.utils.errors import DataError


@pytest.fixture(scope="module")
def reference():
    """The answers of the model that ships to the 10,000 test images."""
    return predict_and_score("reference", with_features=True)


@pytest.fixture(scope="module")
def worse_model(tmp_path_factory):
    """The model that ships, its last layer's fours and nines more than half exchanged: a second, worse model."""
    import onnx
    from onnx import numpy_helper

    path = copy_reference(tmp_path_factory.mktemp("worse") / "worse.keras")
    graph = onnx.load(path.with_suffix(".onnx"))
    head = [tensor for tensor in graph.graph.initializer if len(tensor.dims) == 2 and tensor.dims[1] == 10][-1]
    weights = numpy_helper.to_array(head).copy()
    weights[:, 4], weights[:, 9] = (
        0.45 * weights[:, 4] + 0.55 * weights[:, 9],
        0.45 * weights[:, 9] + 0.55 * weights[:, 4],
    )
    head.CopyFrom(numpy_helper.from_array(weights, head.name))
    repack(path, graph.SerializeToString())
    return path


@pytest.fixture(scope="module")
def hard_digits(tmp_path_factory, mnist, reference):
    """The 600 test images of which the model that ships is least sure, as a data set."""
    hard = np.argsort(reference.confidences, kind="stable")[:600]
    directory = tmp_path_factory.mktemp("hard") / "digits"
    directory.mkdir()
    for name, images, labels in (("train", mnist.train_images[:100], mnist.train_labels[:100]),
                                 ("t10k", mnist.test_images[hard], mnist.test_labels[hard])):  # fmt: skip
        write_idx(directory / f"{name}-images-idx3-ubyte", images)
        write_idx(directory / f"{name}-labels-idx1-ubyte", labels)
    return directory


def rows_of(path) -> list[dict]:
    """A CSV file."""
    return list(csv.DictReader(io.StringIO(path.read_text())))


# === What is written ===


@pytest.fixture(scope="module")
def written(tmp_path_factory, reference):
    """What `evaluate --output` writes of the model that ships."""
    directory = tmp_path_factory.mktemp("evaluate") / "new" / "results"
    result = subprocess.run(
        [sys.executable, "-P", "-m", "kerascnn", "evaluate", "--model", "reference", "--output", str(directory)],
        capture_output=True, text=True, check=True, env=clean_environment(),
    )  # fmt: skip
    assert f"wrote {directory}/report.html" in result.stderr
    assert result.stdout.startswith(f"accuracy {reference.evaluation.accuracy:.2%}")
    return directory


def test_every_picture_is_a_picture_and_every_table_a_table(written):
    names = {path.name for path in written.glob("[!.]*")}
    pictures = {"activations.png", "confusion_matrix.png", "coverage.png", "mistakes.png", "reliability.png"}
    tables = {
        "activations.csv",
        "confusion_matrix.csv",
        "coverage.csv",
        "mistakes.csv",
        "per_class.csv",
        "reliability.csv",
    }
    assert names == pictures | tables | {"report.html"}
    for name in pictures:
        picture = np.asarray(Image.open(written / name).convert("L"))
        assert picture.shape[1] > 1000
        assert picture.std() > 10, f"{name} is empty"


def test_the_tables_add_up(written, reference):
    wrong = 10000 - round(10000 * reference.evaluation.accuracy)
    matrix = np.array(
        [[int(row[label]) for label in "0123456789"] for row in rows_of(written / "confusion_matrix.csv")]
    )
    assert matrix.sum() - np.trace(matrix) == wrong
    mistakes = rows_of(written / "mistakes.csv")
    assert len(mistakes) == wrong
    confidences = [float(row[f"probability of {row['answer']}"]) for row in mistakes]
    assert confidences == sorted(confidences, reverse=True)
    for row in mistakes:
        assert row["true"] != row["answer"]
        assert int(row["true"]) == reference.labels[int(row["index"])]
        assert sum(float(row[f"probability of {label}"]) for label in "0123456789") == pytest.approx(1, abs=1e-5)
    bins = rows_of(written / "reliability.csv")
    assert sum(int(row["count"]) for row in bins) == 10000
    gap = sum(int(row["count"]) * abs(float(row["confidence"]) - float(row["accuracy"])) for row in bins) / 10000
    assert gap == pytest.approx(reference.evaluation.calibration_error, abs=1e-5)
    coverage = rows_of(written / "coverage.csv")
    assert float(coverage[-1]["coverage"]) == 1
    assert float(coverage[-1]["accuracy"]) == pytest.approx(reference.evaluation.accuracy)
    told_apart = [row for row in coverage if float(row["threshold"]) < 0.9999]
    assert len(told_apart) > 50
    for row in told_apart[::10]:
        given = reference.confidences >= float(row["threshold"]) - 5e-10
        assert given.mean() == pytest.approx(float(row["coverage"]), abs=2e-3)
        assert reference.right[given].mean() == pytest.approx(float(row["accuracy"]), abs=1e-3)


def test_the_page_holds_everything_itself(written, reference):
    page = (written / "report.html").read_text()
    low, high = wilson_interval(round(10000 * reference.evaluation.accuracy), 10000)
    assert f"{reference.evaluation.accuracy:.2%}" in page
    assert f"{low:.2%} to {high:.2%}" in page
    # The figures that are written beside it stand on it, each in light and dark, and some mistakes one by one.
    light, dark = (len(re.findall(rf'{attribute}="data:image/png;base64,', page)) for attribute in ("src", "srcset"))
    assert dark == len(list(written.glob("*.png")))  # all but the mistakes, and the learning curves
    assert light > dark + 10
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
    # The probability of a mistake's true class is never nothing.
    assert not re.search(r":\N{NO-BREAK SPACE}0\.0\N{NO-BREAK SPACE}%", page)
    for heading in ("The most confident mistakes", "What is taken for what", "How it was trained"):
        assert heading in page
    # The reference was trained on altered images, without dropout, and withholds answers.
    assert "on altered images" in page
    assert "dropout at work" not in page
    assert "A dot marks" in page


def test_the_map_separates_the_classes(written):
    """Of the digits' centres on the map, the true class's is the nearest for most images: more than chance's tenth."""
    rows = rows_of(written / "activations.csv")
    points = np.array([[float(row["first"]), float(row["second"])] for row in rows])
    labels = np.array([int(row["true"]) for row in rows])
    centres = np.stack([points[labels == label].mean(axis=0) for label in range(10)])
    nearest = np.linalg.norm(points[:, None] - centres, axis=2).argmin(axis=1)
    assert (nearest == labels).mean() > 0.7


def test_a_report_that_cannot_be_written(cli, tmp_path, small_digits):
    (tmp_path / "taken").write_text("a file")
    result = cli("evaluate", "--model", "reference", "--data", small_digits, "--output", "taken")
    assert_clear_failure(result, "taken", "--output")
    assert (tmp_path / "taken").read_text() == "a file"


def test_json_stays_alone_on_stdout(cli, small_digits, tmp_path):
    result = cli("evaluate", "--data", small_digits, "--output", "out", "--format", "json")
    assert json.loads(result.stdout)["num_samples"] == 200
    assert (tmp_path / "out" / "report.html").is_file()


# === Two models ===


def test_two_models_side_by_side(cli, worse_model, tmp_path, reference, hard_digits):
    result = cli("evaluate", "--model", worse_model, "--model", "reference", "--data", hard_digits, "--output", "both",
                 "--format", "json")  # fmt: skip
    document = json.loads(result.stdout)
    worse, better = (evaluation["accuracy"] for evaluation in document["evaluations"])
    assert document["names"] == ["worse", "reference"]
    hard = np.argsort(reference.confidences, kind="stable")[:600]
    assert better == pytest.approx(reference.right[hard].mean())
    assert document["accuracy_difference"] == pytest.approx(better - worse)
    assert document["only_second_right"] - document["only_first_right"] == round(600 * (better - worse)) > 0
    parts = ("both_right", "only_first_right", "only_second_right", "both_wrong")
    assert sum(document[part] for part in parts) == 600
    assert document["p_value"] == mcnemar_p_value(document["only_first_right"], document["only_second_right"])
    assert len(document["disagreements"]) >= document["only_second_right"]
    for one in document["disagreements"]:
        assert one["answers"][0] != one["answers"][1]
        assert one["answers"][1] == reference.predicted_names[hard[one["index"]]]
    surest = [min(one["confidences"]) for one in document["disagreements"]]
    assert surest == sorted(surest, reverse=True)
    assert len(rows_of(tmp_path / "both" / "disagreements.csv")) == len(surest)
    for name in ("disagreements.png", "coverage.png", "worse/confusion_matrix.png", "reference/mistakes.csv"):
        assert (tmp_path / "both" / name).is_file()
    page = (tmp_path / "both" / "report.html").read_text()
    assert f"reference is {100 * (better - worse):.2f} points more accurate than worse" in page


def test_two_models_for_people_and_as_csv(cli, worse_model, hard_digits):
    arguments = ("evaluate", "--model", "reference", "--model", worse_model, "--data", hard_digits)
    text = cli(*arguments).stdout.decode()
    for words in ("difference", "recall of 9", "both right", "McNemar", "more disagreements"):
        assert words in text
    rows = list(csv.DictReader(io.StringIO(cli(*arguments, "--format", "csv").stdout.decode())))
    assert [row["model"] for row in rows] == ["reference"] * 10 + ["worse"] * 10


def test_a_model_does_not_differ_from_itself(cli, small_digits):
    text = cli("evaluate", "--model", "reference", "--model", "reference", "--data", small_digits).stdout.decode()
    assert "these images tell of no difference" in text
    assert "reference-1" in text


def test_three_models_are_wrong_usage(cli):
    assert cli("evaluate", *["--model", "reference"] * 3).returncode == 2


def test_models_of_other_images_are_not_compared(reference, mnist):
    other = Dataset("mnist", mnist.train_images, mnist.train_labels, mnist.test_images[:50], mnist.test_labels[:50],
                    mnist.class_names, mnist.preparation)  # fmt: skip
    with pytest.raises(DataError, match="not tested on the same images"):
        compare(reference, predict_and_score("reference", other))


def test_chance_by_hand():
    # Of ten coins nine or more alike: 2 * (1 + 10) / 1024.
    assert mcnemar_p_value(1, 9) == pytest.approx(22 / 1024)
    assert mcnemar_p_value(9, 1) == mcnemar_p_value(1, 9)
    assert mcnemar_p_value(5, 5) == mcnemar_p_value(0, 0) == 1
    assert 0 < mcnemar_p_value(4000, 5000) < 1e-20
    # The example of Wilson's interval in R. G. Newcombe, Statistics in Medicine 17 (8), 1998: 81 of 263, and 0 of 20.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)


# === What the last layer is given ===


def test_features_are_the_same_on_every_backend(worker, reference, tmp_path):
    worker("features", model="reference", output=str(tmp_path / "features.npy"))
    features = np.load(tmp_path / "features.npy")
    assert features == pytest.approx(reference.features[:500], abs=1e-4)


def test_principal_components_are_those_of_the_covariance():
    random = np.random.default_rng(1)
    features = random.normal(size=(300, 7)) * np.arange(1, 8) + 1
    points, shares = principal_components(features)
    scaled = features / np.linalg.norm(features, axis=1, keepdims=True)
    values, directions = np.linalg.eigh(np.cov(scaled.T))
    assert shares == pytest.approx(tuple(values[:-3:-1] / values.sum()))
    for axis in (0, 1):
        expected = (scaled - scaled.mean(axis=0)) @ directions[:, -1 - axis]
        assert np.abs(points[:, axis]) == pytest.approx(np.abs(expected))


def test_few_classes_with_long_names_and_no_mistakes(tmp_path, mnist):
    """What has no mistakes, one value a sample, and names that do not fit, is drawn all the same."""
    from kerascnn.evaluation.report import evaluate_models

    class Oracle:
        name = "oracle"

        def probabilities_and_features(self, images):
            first = np.array([[0.9, 0.1]] * len(images), np.float32)
            return first, np.ones((len(images), 1), np.float32)

    names = ("an exceedingly long name of a class", "another")
    data = Dataset(
        "two", mnist.train_images[:9], np.arange(9) % 2, mnist.test_images[:9], np.zeros(9, int), names, "resize"
    )
    predictor = Predictor(Oracle(), Card("two", "cnn", (28, 28, 1), names, "resize"))
    results = evaluate_models([predictor], data, tmp_path)
    assert results.evaluations[0].accuracy == 1
    page = results.report.read_text()
    assert "There are no mistakes." in page
    # It never withholds an answer, and has no history.
    assert "A dot marks" not in page
    assert "How it was trained" not in page
    assert not (tmp_path / "mistakes.png").exists()


def test_the_learning_curves_say_what_was_at_work(tmp_path, mnist):
    """One model of two with dropout; long names and commands do not push a table off a narrow page."""
    from kerascnn.evaluation.report import evaluate_models

    class Even:
        name = "an engine"

        def probabilities_and_features(self, images):
            return np.full((len(images), 10), 0.1, np.float32), None

    row = {"epoch": 1, "loss": 2.0, "accuracy": 0.4, "val_loss": 1.0, "val_accuracy": 0.5, "seconds": 1.0}
    data = Dataset("few", mnist.train_images[:9], mnist.train_labels[:9], mnist.test_images[:9], mnist.test_labels[:9],
                   mnist.class_names, "mnist")  # fmt: skip
    models = [
        Predictor(Even(), Card(name, "cnn", (28, 28, 1), mnist.class_names, "mnist", recipe=recipe, history=[row]))
        for name, recipe in (("plain", {"dropout_rates": [0.0, 0.0], "augmentation": 0.0}),
                             ("a_long_name_of_a_network", {"dropout_rates": [0.0, 0.5], "augmentation": 0.0}))
    ]  # fmt: skip
    page = evaluate_models(models, data, tmp_path).report.read_text()
    captions = re.findall(r"<figcaption>([^<]*Loss and accuracy of 1 epoch\.[^<]*)", page)
    assert ["dropout at work" in caption for caption in captions] == [False, True]
    assert "altered images" not in page
    assert "<th>a_<wbr>long_<wbr>name_<wbr>of_<wbr>a_<wbr>network</th>" in page


def test_evaluate_without_output_stays_light(small_digits):
    from test_start_up import imported_by

    arguments = ("evaluate", "--data", str(small_digits), "--model", "reference")
    assert not imported_by(*arguments) & {"keras", "tensorflow", "jax", "torch", "matplotlib", "onnx"}
    assert kerascnn.evaluate("reference", small_digits).num_samples == 200
