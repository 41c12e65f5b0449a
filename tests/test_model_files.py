"""Model files: stale, damaged, hostile, and written while the process is killed."""

import io
import json
import shutil
import subprocess
import sys
import time
import warnings
import zipfile
from dataclasses import replace

import h5py
import numpy as np
import pytest
from conftest import assert_clear_failure, clean_environment, copy_reference

import kerascnn
from kerascnn.saving.model_files import find_shipped_model
from kerascnn.saving.onnx_files import require_safe_onnx
from kerascnn.saving.safe_loading import read_config
from kerascnn.saving.stored_model import open_model
from kerascnn.utils.errors import ModelError
from kerascnn.utils.files import compute_sha256


@pytest.fixture
def model(tmp_path):
    """The reference model as earlier versions wrote it, with its card and its .onnx beside it."""
    target = tmp_path / "model.keras"
    stored = open_model(find_shipped_model())
    stored.archive.write_network(target)
    target.with_suffix(".onnx").write_bytes(stored.read_onnx(print))
    files = {path.name: compute_sha256(path) for path in (target, target.with_suffix(".onnx"))}
    target.with_suffix(".json").write_text(replace(stored.card, files=files).to_json())
    return target


@pytest.fixture
def six(tmp_path, photo):
    """The path of a picture of a six."""
    photo(6).save(tmp_path / "six.png")
    return "six.png"


def rewrite(model, **changes) -> None:
    """Replace members of a `.keras` archive, which has no card then; None removes one."""
    model.with_suffix(".json").unlink(missing_ok=True)
    with zipfile.ZipFile(model) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members |= {name.replace("__", "."): content for name, content in changes.items()}
    with zipfile.ZipFile(model, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            if content is not None:
                archive.writestr(name, content)


def config_of(model) -> dict:
    """The configuration in a `.keras` archive."""
    with zipfile.ZipFile(model) as archive:
        return json.loads(archive.read("config.json"))


def test_a_current_model_runs_on_onnx_runtime(cli, model, six):
    result = cli("predict", six, "--model", model)
    assert (result.returncode, result.stdout[:1], result.stderr) == (0, b"6", b"")


def test_missing_and_stale_onnx_are_noticed_and_keras_is_used(cli, model, six):
    with model.with_suffix(".onnx").open("ab") as stream:
        stream.write(b"x")
    stale = cli("predict", six, "--model", model)
    assert stale.stdout.startswith(b"6 ")
    assert b"model.onnx is not the one that the card names; using Keras" in stale.stderr
    model.with_suffix(".onnx").unlink()
    missing = cli("predict", six, "--model", model, KERAS_BACKEND="")
    assert missing.stdout.startswith(b"6 ")
    assert b"model.onnx is missing; using Keras" in missing.stderr


def test_a_model_without_card_is_taken_for_digits(cli, model, six):
    model.with_suffix(".json").unlink()
    result = cli("predict", six, "--model", model, "--backend", "jax")
    assert result.stdout.startswith(b"6 ")
    assert b"has no card" in result.stderr


def test_a_model_that_replaced_another_does_not_get_its_card(cli, model, six):
    card = model.with_suffix(".json").read_text()
    rewrite(model, metadata__json=b'{"keras_version": "3.15.1", "date_saved": "2026-01-01@00:00:00"}')
    model.with_suffix(".json").write_text(card)
    assert_clear_failure(cli("predict", six, "--model", model), "model.json is the card of another file")


def test_a_broken_card_is_one_clear_error(cli, model, six):
    model.with_suffix(".json").write_text("{}")
    assert_clear_failure(cli("predict", six, "--model", model), "model.json is not the card of a model")


def test_onnx_with_external_data_is_refused(cli, model, six):
    import hashlib

    import onnx

    graph = onnx.load(model.with_suffix(".onnx"))
    onnx.save(graph, model.with_suffix(".onnx"), save_as_external_data=True, location="weights.bin")
    card = json.loads(model.with_suffix(".json").read_text())
    card["files"]["model.onnx"] = hashlib.sha256(model.with_suffix(".onnx").read_bytes()).hexdigest()
    model.with_suffix(".json").write_text(json.dumps(card))
    assert_clear_failure(cli("predict", six, "--model", model), "refers to data in other files")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a complete .keras file"),
        (b"hello", "not a complete .keras file"),
        (b"PK\x03\x04truncated", "not a complete .keras file"),
    ],
)
def test_damaged_archives_are_one_clear_error(tmp_path, content, words):
    (tmp_path / "m.keras").write_bytes(content)
    with pytest.raises(ModelError, match=words):
        read_config(tmp_path / "m.keras")


def _lambda(config, directory):
    code = f"open({str(directory / 'executed')!r}, 'w')"
    config["config"]["layers"].insert(
        2, {"module": "keras.layers", "class_name": "Lambda", "config": {"function": code}, "registered_name": None}
    )


def _unknown_class(config, directory):
    config["config"]["layers"][2].update(module="os", class_name="Popen", registered_name=None)


def _custom_class(config, directory):
    config["config"]["layers"][2]["registered_name"] = "evil>Conv2D"


def _foreign_module(config, directory):
    config["config"]["layers"][2]["module"] = "subprocess"


def _too_many_units(config, directory):
    config["config"]["layers"][-1]["config"]["units"] = 10**10


def _huge_input(config, directory):
    config["config"]["layers"][0]["config"]["batch_shape"] = [None, 100000, 100000, 1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_lambda, "'Lambda', which is not among the built-in layers"),
        (_unknown_class, "'Popen', which is not among"),
        (_custom_class, "custom class 'evil>Conv2D'"),
        (_foreign_module, "module 'subprocess'"),
        (_too_many_units, "units = 10,000,000,000"),
        (_huge_input, "its input has 10,000,000,000 values"),
    ],
)
def test_a_hostile_configuration_is_refused_before_anything_runs(worker, model, tmp_path, change, words):
    config = config_of(model)
    change(config, tmp_path)
    rewrite(model, config__json=json.dumps(config).encode())
    assert words in worker("load_refused", model=str(model))
    assert not (tmp_path / "executed").exists()


def test_a_member_that_climbs_out_is_refused(model):
    with zipfile.ZipFile(model, "a") as archive:
        archive.writestr("../escaped", b"x")
    with pytest.raises(ModelError, match="would be written outside"):
        read_config(model)


def test_a_declared_size_beyond_the_cap_is_refused(tmp_path, model):
    content = io.BytesIO()
    with (
        zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("model.weights.h5", "w") as member,
    ):
        for _ in range(1100):
            member.write(b"\0" * 2**20)
    (tmp_path / "bomb.keras").write_bytes(content.getvalue())
    with zipfile.ZipFile(tmp_path / "bomb.keras", "a") as archive:
        archive.writestr("config.json", json.dumps(config_of(model)))
    with pytest.raises(ModelError, match="unpacked it would take 1,100 MiB"):
        read_config(tmp_path / "bomb.keras")


def test_truncated_weights_are_one_clear_error(worker, model):
    with zipfile.ZipFile(model) as archive:
        weights = archive.read("model.weights.h5")
    rewrite(model, model__weights__h5=weights[: len(weights) // 2])
    assert "is damaged and cannot be loaded" in worker("load_refused", model=str(model))


@pytest.fixture(scope="session")
def layered(workers, tmp_path_factory):
    """The directory of the models of `own_model_tasks.py`, and the number of parameters of each."""
    directory = tmp_path_factory.mktemp("layered")
    return directory, workers("tensorflow")("save_layered_models", directory=str(directory))


@pytest.mark.parametrize(
    "name", ["recurrent.keras", "recurrent.h5", "operations.keras", "along_one_axis.keras", "along_one_axis.h5"]
)
def test_what_plain_keras_opens_is_opened_and_counted(workers, layered, name):
    directory, counts = layered
    path = directory / name
    expected = np.load(path.with_suffix(".npy"))
    assert np.allclose(workers("tensorflow")("predict_arrays", model=str(path)), expected, atol=1e-6)
    assert kerascnn.summarize(model=path).num_parameters == counts[path.stem]


def test_a_file_is_what_its_content_says(workers, layered, tmp_path):
    directory, _ = layered
    shutil.copy(directory / "recurrent.h5", tmp_path / "misnamed.keras")
    shutil.copy(directory / "recurrent.keras", tmp_path / "misnamed.h5")
    for name in ("misnamed.keras", "misnamed.h5"):
        said = workers("tensorflow")("predict_arrays", model=str(tmp_path / name))
        assert np.allclose(said, np.load(directory / "recurrent.npy"), atol=1e-6)


def test_the_names_of_keras_2_are_understood(workers, layered, tmp_path):
    directory, _ = layered
    for name, module in (("recurrent", "keras.src.models.functional"), ("along_one_axis", "keras")):
        path = tmp_path / f"{name}.keras"
        shutil.copy(directory / path.name, path)
        config = config_of(path)
        assert config["module"] == module
        config["module"] = f"keras.src.engine.{config['class_name'].lower()}"
        rewrite(path, config__json=json.dumps(config).encode())
        said = workers("tensorflow")("predict_arrays", model=str(path))
        assert np.allclose(said, np.load(directory / f"{name}.npy"), atol=1e-6)


def _widen(config: str) -> str:
    return config.replace('"units": 8', '"units": 1048576')


def _enlarge(config: str) -> str:
    return config.replace('"size": [2, 2]', '"size": [900, 900]')


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("two_wide_layers", _widen, "823,132,160 weights"),
        ("enlarged", _enlarge, "1,270,080,784 values for one picture"),
    ],
)
def test_sizes_that_are_too_large_together_are_refused(worker, layered, tmp_path, name, change, words):
    path = tmp_path / f"{name}.keras"
    shutil.copy(layered[0] / path.name, path)
    rewrite(path, config__json=change(json.dumps(config_of(path))).encode())
    assert words in worker("load_refused", model=str(path))
    with h5py.File(shutil.copy(layered[0] / f"{name}.h5", tmp_path / f"{name}.h5"), "r+") as file:
        file.attrs["model_config"] = change(file.attrs["model_config"])
    assert words in worker("load_refused", model=str(tmp_path / f"{name}.h5"))


def _link_elsewhere(file) -> None:
    del file["model_weights"]
    file["model_weights"] = h5py.ExternalLink("/etc/passwd", "/")


def _store_elsewhere(file) -> None:
    file.create_dataset("more", (10,), "f4", external=[("/etc/passwd", 0, 40)])


def _declare_too_much(file) -> None:
    file.create_dataset("more", (2**30,), "f4", chunks=(1024,))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_link_elsewhere, "lie in another place or file"),
        (_store_elsewhere, "lie in another file"),
        (_declare_too_much, "its weights would take 4,096 MiB"),
    ],
)
def test_weights_lie_in_the_file_itself(workers, layered, tmp_path, change, words):
    directory, _ = layered
    with h5py.File(shutil.copy(directory / "recurrent.h5", tmp_path / "m.h5"), "r+") as file:
        change(file)
    assert words in workers("tensorflow")("load_refused", model=str(tmp_path / "m.h5"))
    if change is not _link_elsewhere:
        shutil.copy(directory / "recurrent.keras", tmp_path / "m.keras")
        rewrite(tmp_path / "m.keras", model__weights__h5=(tmp_path / "m.h5").read_bytes())
        assert words in workers("tensorflow")("load_refused", model=str(tmp_path / "m.keras"))


def test_what_is_no_model_is_said(tmp_path, layered):
    directory, _ = layered
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"x")
    np.savez(tmp_path / "data.npz", x=np.zeros(3))
    (tmp_path / "old.pkl").write_bytes(b"\x80\x04K\x01.")
    with h5py.File(shutil.copy(directory / "recurrent.h5", tmp_path / "weights.h5"), "r+") as file:
        del file.attrs["model_config"]
    for name, words in (
        ("saved", "is a TensorFlow SavedModel, which may run any code"),
        ("data.npz", "is an archive of something else"),
        ("old.pkl", "is a pickle, which may run code"),
        ("weights.h5", "has weights but not the layers that they belong to"),
    ):
        with pytest.raises(ModelError, match=words):
            read_config(tmp_path / name)


def test_a_layer_may_be_called_location(workers, layered):
    path = layered[0] / "location.onnx"
    workers("tensorflow")("export_onnx", model=str(path.with_suffix(".keras")), output=str(path))
    assert b"location" in path.read_bytes()
    require_safe_onnx(path.read_bytes(), "it")


def test_a_renamed_or_moved_model_keeps_its_card(model, digit_image, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    for suffix in (".keras", ".onnx", ".json"):
        shutil.copy(model.with_suffix(suffix), tmp_path / "elsewhere" / f"mine{suffix}")
    renamed = model.rename(model.with_name("only-the-model.keras"))
    for path in (tmp_path / "elsewhere" / "mine.keras", renamed):
        notes: list[str] = []
        found = kerascnn.load(path, on_note=notes.append)
        assert (found.engine.name, found.card.rejection_threshold is not None, notes) == ("onnxruntime", True, [])
        assert found.predict(digit_image(4))[0].label == "4"
        assert path in found.files


def test_a_card_of_a_newer_version_is_a_card(model):
    card = json.loads(model.with_suffix(".json").read_text())
    model.with_suffix(".json").write_text(json.dumps({**card, "favourite_colour": "blue"}))
    assert kerascnn.load(model).card.name == card["name"]


def test_a_misspelt_name_is_said_without_the_options_of_a_command():
    with pytest.raises(ModelError, match="did you mean 'reference'") as refused:
        kerascnn.load("refrence")
    assert "--" not in str(refused.value)
    with pytest.raises(ModelError, match="did you mean 'unet'"):
        kerascnn.read(np.full((40, 40), 255, np.uint8), segmenter="unte")


def test_a_process_killed_while_saving_leaves_the_old_model_or_the_new(tmp_path):
    # The child replaces a file over and over, each time by one byte repeated; we kill it at ten different moments,
    # counted from its first replacement.
    code = (
        "import sys, pathlib, itertools\n"
        "from kerascnn.utils.files import write_bytes\n"
        "target = pathlib.Path(sys.argv[1])\n"
        "for value in itertools.cycle(b'abc'):\n"
        "    write_bytes(target, bytes([value]) * 4_000_000)\n"
        "    print(value, flush=True)\n"
    )
    target = tmp_path / "model.keras"
    for attempt in range(10):
        command = [sys.executable, "-c", code, str(target)]
        with subprocess.Popen(command, env=clean_environment(), stdout=subprocess.PIPE) as child:
            assert child.stdout.readline()
            time.sleep(0.013 * attempt)
            child.kill()
        content = target.read_bytes()
        assert len(content) == 4_000_000
        assert len(set(content)) == 1


# What a reader of a model sees while another process replaces it, again and again, by a model of other classes.
WRITER = """
import itertools, sys
from dataclasses import replace
import kerascnn
model = kerascnn.load("reference")
digits = model.card
letters = replace(digits, class_names=tuple("abcdefghij"))
for model.card in itertools.cycle((letters, digits)):
    model.save(sys.argv[1])
    print(flush=True)
"""


def test_a_model_that_is_replaced_or_whose_writer_is_killed_is_the_old_or_the_new(tmp_path, digit_image):
    path = tmp_path / "model.keras"
    seen = set()
    for attempt in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], env=clean_environment(), stdout=subprocess.PIPE
        ) as child:
            assert child.stdout.readline()
            until = time.monotonic() + 0.3 + 0.037 * attempt
            while time.monotonic() < until:
                notes: list[str] = []
                model = kerascnn.load(path, on_note=notes.append)
                assert (model.engine.name, notes) == ("onnxruntime", [])
                seen.add((model.card.class_names[4], model.predict(digit_image(4))[0].label))
            child.kill()
        kerascnn.load(path)
    assert seen == {("4", "4"), ("e", "e")}
    # The next one to save clears up what the killed ones left.
    kerascnn.load(path).save(path)
    card = json.loads(path.with_suffix(".json").read_text())
    beside = {one.name: compute_sha256(one) for one in tmp_path.glob("model.*") if one.suffix != ".json"}
    assert card["files"] == beside


DYING_WRITER = """
import itertools, os, shutil, sys
from pathlib import Path
import kerascnn
from kerascnn.saving.model_files import find_shipped_model, save, save_beside
from kerascnn.saving.stored_model import open_model

place, stored = Path("m.keras"), open_model(find_shipped_model("lecture"))
beside = sys.argv[1] == "beside"

def write(*copies):
    staging = Path("staging")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    staged = {suffix: staging / f"m{suffix}" for suffix in (".keras", *copies)}
    stored.archive.write_network(staged[".keras"])
    for suffix in copies:
        staged[suffix].write_bytes(f"{suffix} of one of {len(copies)}".encode())
    if beside:
        if not place.exists():
            shutil.copy(staged[".keras"], place)
        save_beside(place, {suffix: staged[suffix] for suffix in copies if suffix == ".onnx"}, stored.card)
    else:
        save(place, staged, stored.card)

def write_until(step, *copies):
    steps = itertools.count(1)
    def die(event, arguments):
        if event in ("os.rename", "os.remove") and next(steps) == step:
            os._exit(9)
    if not (child := os.fork()):
        sys.addaudithook(die)
        write(*copies)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

write(".onnx", ".csv", ".png")
for copies in ((".csv",), (".onnx", ".csv")):
    for step in itertools.count(1):
        if not write_until(step, *copies):
            break
        write(".onnx", ".csv", ".png")
    print(step, *sorted(path.suffix for path in Path().glob("m.*")))
"""


@pytest.mark.parametrize(
    ("way", "left"),
    [("model", [".csv .json .keras", ".csv .json .keras .onnx"]), ("beside", [".json .keras", ".json .keras .onnx"])],
)
def test_whatever_step_of_replacing_a_model_was_the_last_it_can_be_replaced_again(tmp_path, way, left):
    result = subprocess.run(
        [sys.executable, "-P", "-c", DYING_WRITER, way],
        cwd=tmp_path,
        capture_output=True,
        env=clean_environment(),
        check=False,
    )
    assert result.returncode == 0, result.stderr.decode()
    counts, files = zip(*(line.split(" ", 1) for line in result.stdout.decode().splitlines()), strict=True)
    assert min(map(int, counts)) > 4
    assert list(files) == left


def test_a_model_keeps_its_card_wherever_it_is_and_plain_keras_opens_it(worker, tmp_path, digit_image):
    path = shutil.copy(find_shipped_model(), tmp_path / "copied.keras")
    notes: list[str] = []
    model = kerascnn.load(path, on_note=notes.append)
    assert (model.engine.name, model.card.name, notes) == ("onnxruntime", "reference", [])
    assert model.predict(digit_image(4))[0].label == "4"
    assert worker("open_plainly", model=str(path)) == 309_930


def test_a_card_that_somebody_changes_is_not_ignored_in_silence(tmp_path):
    path = copy_reference(tmp_path / "model.keras")
    card = path.with_suffix(".json")
    document = json.loads(card.read_text())
    card.write_text(json.dumps(document))  # only its layout differs
    kerascnn.load(path)
    card.write_text(json.dumps({**document, "class_names": list("abcdefghij")}))
    with pytest.raises(ModelError, match=r"model\.json was changed, but .*model\.keras carries its own card"):
        kerascnn.load(path)
    card.write_text('{"labels": "of something else"}')
    kerascnn.load(path)


def test_parts_of_two_models_are_none(tmp_path):
    path = shutil.copy(find_shipped_model(), tmp_path / "mixed.keras")
    with zipfile.ZipFile(find_shipped_model("lecture")) as other:
        rewrite(path, config__json=other.read("config.json"), model__weights__h5=other.read("model.weights.h5"))
    with pytest.raises(ModelError, match="carries the card of another network"):
        kerascnn.load(path)
    with zipfile.ZipFile(shutil.copy(find_shipped_model(), path)) as archive:
        onnx = archive.read("kerascnn/model.onnx")
    rewrite(path, **{"kerascnn/model__onnx": onnx + b"x"})
    with pytest.raises(ModelError, match="its ONNX network is not the one that its card names"):
        kerascnn.load(path)


@pytest.mark.parametrize("change", ["before", "after", "twice", "link"])
def test_an_archive_that_others_may_read_otherwise_is_refused(tmp_path, change):
    path = tmp_path / "model.keras"
    content = find_shipped_model().read_bytes()
    path.write_bytes({"before": content[:5000] + content, "after": content + content[-3000:]}.get(change, content))
    if change in ("twice", "link"):
        with zipfile.ZipFile(path, "a") as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            member = zipfile.ZipInfo("config.json" if change == "twice" else "kerascnn/link")
            member.external_attr = (0o120777 << 16) if change == "link" else 0
            archive.writestr(member, b"{}")
    with pytest.raises(ModelError, match=r"is refused|is not a complete \.keras file"):
        kerascnn.load(path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"class_names": "0123456789"}, "class_names"),
        ({"class_names": ["a"]}, "class_names"),
        ({"class_names": list("aabcdefghi")}, "two of its class_names are equal"),
        ({"input_shape": [28, "28", 1]}, "input_shape"),
        ({"rejection_threshold": 2}, "rejection_threshold"),
        ({"temperature": float("nan")}, "not the card"),
        ({"preparation": "upside down"}, "preparation"),
        ({"files": {"model.keras": "xyz"}}, "files"),
        ({"metrics": {"test_accuracy": "high"}}, "metrics.test_accuracy"),
        ({"history": [{"epoch": 1}]}, "history[0]"),
        ({"data": {"split_seed": [1]}}, "data.split_seed"),
        ({"members": [1]}, "members[0]"),
        ({"feeding": {"shape": [28, 28], "scale": "nonsense"}}, "feeding"),
        ({"format": 2}, "format is 2"),
    ],
)
def test_a_malformed_card_is_one_sentence_that_names_the_field(model, changes, words):
    card = model.with_suffix(".json")
    card.write_text(json.dumps(json.loads(card.read_text()) | changes))
    with pytest.raises(ModelError, match="is not the card of a model") as refused:
        kerascnn.load(model)
    assert words in str(refused.value)


@pytest.mark.parametrize("text", ["", "[]", "null", "[" * 100_000, '{"format": 1}', '{"format": 1, "class_names": 3'])
def test_what_is_no_card_is_told(model, text):
    model.with_suffix(".json").write_text(text)
    with pytest.raises(ModelError, match="is not the card of a model"):
        kerascnn.load(model)
