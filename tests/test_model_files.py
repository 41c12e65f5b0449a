"""Model files: stale, damaged, hostile, and written while the process is killed."""

import io
import json
import shutil
import subprocess
import sys
import time
import zipfile

import h5py
import numpy as np
import pytest
from conftest import assert_clear_failure, clean_environment

import kerascnn
from kerascnn.saving.model_files import find_shipped_model
from kerascnn.saving.onnx_files import read_onnx
from kerascnn.saving.safe_loading import read_config
from kerascnn.utils.errors import ModelError


@pytest.fixture
def model(tmp_path):
    """A copy of the reference model, with its card and its .onnx."""
    target = tmp_path / "model.keras"
    for suffix in (".keras", ".onnx", ".json"):
        shutil.copy(find_shipped_model().with_suffix(suffix), target.with_suffix(suffix))
    card = json.loads(target.with_suffix(".json").read_text())
    card["files"] = {name.replace("reference", "model"): digest for name, digest in card["files"].items()}
    target.with_suffix(".json").write_text(json.dumps(card))
    return target


@pytest.fixture
def six(tmp_path, photo):
    """The path of a picture of a six."""
    photo(6).save(tmp_path / "six.png")
    return "six.png"


def rewrite(model, **changes) -> None:
    """Replace members of a `.keras` archive; None removes one."""
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
    rewrite(model, metadata__json=b'{"keras_version": "3.15.1", "date_saved": "2026-01-01@00:00:00"}')
    result = cli("predict", six, "--model", model, "--backend", "jax")
    assert result.stdout.startswith(b"6 ")
    assert b"was changed after its card was written" in result.stderr


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
    [("two_wide_layers", _widen, "823,132,160 weights"), ("enlarged", _enlarge, "635,040,784 values for one picture")],
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
    assert read_onnx(path) == path.read_bytes()


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
