"""Model files: stale, damaged, hostile, and written while the process is killed."""

import io
import json
import shutil
import subprocess
import sys
import time
import zipfile

import pytest
from conftest import assert_clear_failure, clean_environment

from kerascnn.saving.model_files import find_shipped_model
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
