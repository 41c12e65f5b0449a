"""Models and cards that are broken, absurd or made to do harm: one sentence, bounded memory and time, and no answer."""

import base64
import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from limits import MIB

pytestmark = pytest.mark.hostile

LIMITS = (4000 * MIB, 20)
"""One process for all models: 4 GB and 20 s of the processor for each."""


def layer(class_name: str, name: str | None = None, **config) -> dict:
    """The configuration of a layer, as Keras writes it."""
    name = name or class_name.lower()
    return {
        "module": "keras.layers",
        "class_name": class_name,
        "config": {"name": name, **config},
        "registered_name": None,
    }


def dense(units: int = 10, name: str = "dense", **config) -> dict:
    return layer("Dense", name, **{"units": units, "activation": "softmax", "use_bias": True, **config})


def sequential(*layers: dict, shape=(28, 28, 1)) -> dict:
    """The configuration of a model that scales its pixels itself."""
    first = layer("InputLayer", "input", batch_shape=[None, *shape], dtype="float32")
    scaling = layer("Rescaling", scale=1 / 255, offset=0.0)
    config = {"name": "sequential", "layers": [first, scaling, *layers]}
    return {"module": "keras", "class_name": "Sequential", "config": config, "registered_name": None}


def functional(*layers: dict, shape=(28, 28, 1)) -> dict:
    """The configuration of a Functional model of layers one after the other."""
    return connect([layer("InputLayer", "input", batch_shape=[None, *shape], dtype="float32"), *layers])


def connect(layers: list[dict]) -> dict:
    """Connect layers to a Functional model, each with the one before it."""
    previous, connected = None, []
    for one in layers:
        name = one["config"]["name"]
        nodes = [] if previous is None else [{"args": [tensor(previous)], "kwargs": {}}]
        connected.append({**one, "name": name, "inbound_nodes": nodes})
        previous = name
    config = {
        "name": "functional",
        "layers": connected,
        "input_layers": [[layers[0]["config"]["name"], 0, 0]],
        "output_layers": [[previous, int(layers[-1]["class_name"] == "Functional"), 0]],
    }
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": config,
        "registered_name": "Functional",
    }


def tensor(name: str) -> dict:
    return {
        "class_name": "__keras_tensor__",
        "config": {"shape": [None], "dtype": "float32", "keras_history": [name, 0, 0]},
    }


def plain() -> dict:
    return sequential(layer("Flatten"), dense())


def plain_weights() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    return {"layers/dense/vars/0": generator.normal(0, 0.1, (784, 10)), "layers/dense/vars/1": np.zeros(10)}


def to_hdf5(weights: dict[str, np.ndarray]) -> bytes:
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for name, values in weights.items():
            file.create_dataset(name, data=np.asarray(values, np.float32))
    return content.getvalue()


def write(path: Path, config: dict | str | None = None, weights: dict[str, np.ndarray] | bytes | None = None) -> Path:
    """Write a `.keras` file: by default one that is a model."""
    weights = plain_weights() if weights is None else weights
    config = plain() if config is None else config
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.15.0", "date_saved": ""}))
        archive.writestr("config.json", config if isinstance(config, str) else json.dumps(config))
        archive.writestr("model.weights.h5", weights if isinstance(weights, bytes) else to_hdf5(weights))
    return path


def assert_one_sentence(result, words: str) -> None:
    """Assert that a command failed with one sentence and without an answer."""
    lines = result.stderr.decode().splitlines()
    assert result.returncode == 1, result
    assert not result.stdout, result
    assert [line[:10] for line in lines] == ["kerascnn: "], lines
    assert words in lines[0]
    assert len(lines[0]) < 600, lines


def test_a_model_as_it_should_be_is_run(limited, six, tmp_path):
    result = limited.run_cli("predict", six, "--model", write(tmp_path / "plain.keras"))
    assert result.returncode == 0, result.stderr
    assert result.stdout


@pytest.mark.parametrize(
    ("value", "words"),
    [(np.nan, "gives no numbers (NaN or infinity)"), (np.inf, "gives no numbers (NaN or infinity)")],
    ids=["nan", "infinity"],
)
def test_a_model_that_gives_no_numbers_gives_no_answer(limited, six, tmp_path, value, words):
    weights = plain_weights()
    weights["layers/dense/vars/0"][400] = value
    path = write(tmp_path / "broken.keras", weights=weights)
    assert_one_sentence(limited.run_cli("predict", six, "--model", path), words)
    assert_one_sentence(limited.run_cli("predict", six, "--model", path, "--scale", "255"), words)


FLAT, HEAD = layer("Flatten"), dense()
GLOBAL = layer("GlobalMaxPooling2D", keepdims=False, data_format="channels_last")


def embedding(rows: int, columns: int) -> dict:
    return layer("Embedding", input_dim=rows, output_dim=columns)


def conv(filters: int, kernel: int = 3, **config) -> dict:
    options = {"strides": [1, 1], "padding": "same", "dilation_rate": [1, 1], "groups": 1, "use_bias": True}
    options = {"name": "conv", **options, **config}
    return layer("Conv2D", filters=filters, kernel_size=[kernel, kernel], **options)


def lstm(units: int, **config) -> dict:
    return layer("LSTM", "lstm", **{"units": units, "return_sequences": False, "use_bias": True, **config})


def attention(heads: int) -> dict:
    options = {"key_dim": 1, "value_dim": 1, "use_bias": True, "output_shape": None}
    made = functional(
        layer("Reshape", target_shape=[784 * 16, 1]), layer("MultiHeadAttention", num_heads=heads, **options)
    )
    node = made["config"]["layers"][-1]["inbound_nodes"][0]
    node["args"] *= 2
    made["config"]["layers"][0]["config"]["batch_shape"] = [None, 784 * 16]
    return made


def nested(times: int) -> dict:
    """Models in models, each of which applies the next one twice."""
    inner = functional(layer("ReLU"))
    for level in range(times):
        inner["config"]["name"] = f"level{level}"
        first, second = (json.loads(json.dumps(inner)) for _ in range(2))
        second["config"]["name"] += "b"
        inner = connect([layer("InputLayer", "input", batch_shape=[None, 28, 28, 1]), first, second])
    return inner


def deep(levels: int) -> str:
    text = json.dumps(plain())
    return text[:-1] + ', "more": ' + "[" * levels + "]" * levels + "}"


def changed(config: dict, index: int, **changes) -> dict:
    """Change arguments of a layer of a model."""
    config["config"]["layers"][index]["config"].update(changes)
    return config


def made_for_more() -> dict:
    """A model in a model, which was made for larger pictures than it is given."""
    inner = sequential(FLAT, dense(1000), shape=(4000, 4000, 1))
    return sequential(inner, HEAD)


def with_array() -> dict:
    """A column that is added to a row."""
    made = functional(layer("Reshape", target_shape=[784, 1]), {**layer("Add", "add"), "module": "keras.src.ops.numpy"})
    made["config"]["layers"][-1]["inbound_nodes"][0]["kwargs"] = {"x2": [[[0] * 300_000]]}
    return made


def taken_for_another() -> dict:
    large = {**layer("UpSampling2D", "large", size=[90, 90], interpolation="nearest"), "shared_object_id": 7}
    return sequential(large, {**layer("ReLU", "small"), "shared_object_id": 7}, FLAT, HEAD)


def backwards() -> dict:
    both = layer("Bidirectional", layer=lstm(8), backward_layer=lstm(100_000), merge_mode="concat")
    return sequential(both, HEAD, shape=(28, 28))


REFUSED = {
    # Sizes that multiply.
    "two wide layers": (lambda: sequential(FLAT, dense(2**13), dense(2**20, "wide")), " weights or more"),
    "embedding": (lambda: sequential(FLAT, embedding(2**20, 2**10), HEAD), " weights or more"),
    "einsum": (
        lambda: sequential(
            FLAT, layer("EinsumDense", equation="ab,bcd->acd", output_shape=[2**13, 2**10], bias_axes=None)
        ),
        " weights or more",
    ),
    "depth": (
        lambda: sequential(
            layer(
                "DepthwiseConv2D",
                depth_multiplier=2**20,
                kernel_size=[9, 9],
                strides=[1, 1],
                padding="same",
                dilation_rate=[1, 1],
                use_bias=False,
            ),
            FLAT,
            HEAD,
        ),
        " values for one picture",
    ),
    "repeat": (lambda: sequential(FLAT, layer("RepeatVector", n=2**20), FLAT, HEAD), " values for one picture"),
    "upsampling": (
        lambda: sequential(layer("UpSampling2D", size=[900, 900], interpolation="nearest"), GLOBAL, HEAD),
        " values for one picture",
    ),
    "padding": (
        lambda: sequential(layer("ZeroPadding2D", padding=[[9000, 9000]] * 2), GLOBAL),
        " values for one picture",
    ),
    "resizing": (lambda: sequential(layer("Resizing", height=2**20, width=2**10), GLOBAL), " values for one picture"),
    "resizing in proportion": (
        lambda: sequential(layer("Resizing", height=1, width=2**20, pad_to_aspect_ratio=True), GLOBAL),
        " values for one picture",
    ),
    "attention": (lambda: attention(8), " values for one picture"),
    "input": (lambda: sequential(FLAT, HEAD, shape=(2**12, 2**12, 8)), "its input has 134,217,728 values"),
    "lora": (lambda: sequential(FLAT, dense(1000, lora_rank=2**20)), " weights or more"),
    "backward layer": (backwards, "reads backwards with another layer"),
    # Work.
    "kernel": (lambda: sequential(conv(64), conv(2000, 28), GLOBAL, HEAD), " multiply-adds for one picture"),
    "pooling": (
        lambda: sequential(
            layer("Resizing", height=3000, width=3000),
            layer("MaxPooling2D", pool_size=[900, 900], strides=[1, 1], padding="same"),
            GLOBAL,
            HEAD,
        ),
        " multiply-adds for one picture",
    ),
    "steps": (
        lambda: sequential(layer("Reshape", target_shape=[-1, 1]), lstm(2), HEAD, shape=(200, 200)),
        "multiply-adds",
    ),
    "orthogonal": (lambda: sequential(lstm(6000), HEAD, shape=(28, 28)), "to fill its weights"),
    "unrolled": (
        lambda: sequential(layer("Reshape", target_shape=[-1, 1]), lstm(2, unroll=True), HEAD, shape=(28, 28)),
        " layers or more",
    ),
    # Many, or deep.
    "sequential": (
        lambda: sequential(*[dense(name=f"d{i}") for i in range(20_000)]),
        "more than 150 layers in a Sequential",
    ),
    "functional": (lambda: functional(FLAT, *[dense(name=f"d{i}") for i in range(5_000)]), "more than 800 layers"),
    "nested": (lambda: nested(9), "more than 800"),
    "deep": (lambda: deep(5000), "nested too deeply"),
    "deeper": (lambda: deep(200_000), "nested too deeply"),
    "values": (lambda: changed(plain(), 1, scale=[0] * 600_000), "more than 500,000 values"),
    "text": (lambda: changed(plain(), 2, name="x" * 1_000_000), "a text of 1,000,000 characters"),
    # What is no size.
    "infinity": (lambda: changed(plain(), 3, units=float("inf")), "units = inf, which is no size"),
    "nan": (lambda: changed(plain(), 1, offset=float("nan")), "no number (NaN)"),
    "negative": (lambda: changed(plain(), 3, units=-(10**6)), "which is no size"),
    "class": (lambda: sequential(FLAT, {**HEAD, "class_name": {"class_name": []}}), "is not among the built-in layers"),
    "digits": (lambda: json.dumps(plain()).replace('"units": 10', '"units": ' + "9" * 5000), "cannot be read"),
    "bits": (lambda: changed(plain(), 1, offset=10**1000), "a number of 3,322 bits"),
    "fraction": (lambda: changed(plain(), 3, units=10.5), "which is no size"),
    "format": (lambda: changed(plain(), 3, dtype="complex128"), "none of Keras's number formats"),
    # What is checked as one thing and built as another.
    "made for more": (made_for_more, "takes (4000, 4000, 1), and is given (28, 28, 1)"),
    "in the middle": (
        lambda: sequential(layer("InputLayer", "again", batch_shape=[None, 1]), HEAD),
        "an input in the middle",
    ),
    "other input": (lambda: changed(plain(), 0, shape=[10**6, 10**6]), "declares no input in the way of Keras"),
    "model as activation": (
        lambda: changed(plain(), 3, activation=sequential(FLAT, dense(2**20))),
        "a 'Sequential' as the 'activation'",
    ),
    "model as initializer": (lambda: changed(plain(), 3, kernel_initializer=plain()), "as the 'kernel_initializer'"),
    "not connected": (
        lambda: (
            lambda made: (made["config"]["layers"].append({**dense(name="x"), "name": "x", "inbound_nodes": []}), made)[
                1
            ]
        )(functional(FLAT, HEAD)),
        "is not connected",
    ),
    "same name": (lambda: functional(FLAT, HEAD, dense(2**20)), "two layers have the same name"),
    "array": (with_array, " values for one picture"),
    "scale": (lambda: changed(plain(), 1, scale=[0.1] * 300_000), "its scale has the shape 300000"),
    "list": (lambda: sequential(layer("ELU", alpha=[[1.0]] * 16), FLAT, HEAD), "its alpha is a list of numbers"),
    "taken for another": (taken_for_another, "have the same number, 7"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_configuration_is_refused_before_anything_is_built(limited, six, tmp_path, name):
    make, words = REFUSED[name]
    path = write(tmp_path / "hostile.keras", make())
    assert_one_sentence(limited.run_cli("predict", six, "--model", path), words)
    # Its arithmetic may be shown, or why there is none.
    assert limited.run_cli("summary", "--model", path).returncode in (0, 1)


# An HDF5 file of two layers. With one byte changed, HDF5 ends the process that reads it, or never comes to an end.
HDF5 = (
    "eNrtm79v00AUx+/8gzptojoSUguthCWKWpUlbJX4oSIaMAjRChgyIacQxFAQAoTKBGPYOjJm5E9gZMwfwMDYkYGBsVvx5c6O7zWuTZtEQf5+pOr5"
    "7Je7y/Prux/v8tnfuF2ZPj/NBI7DLOayJIcKdo+UFYGSXMm2kl+N6D7vPZtX96uqfqr3+GG9LrQPCVE7+7aUDgNFxK/f3BKyocqRl3YNXW+n+aH1"
    "5m3fH/1Ttpvmv74pyy/sfP77q6T3GxTbfyN/atu6XlPJbRJX10/Y7qMHmxvCg6O46Zl6vdSPwb/Fga0pWX5dyhcH/lQwjiEOHB3H9kq63vumGMWG"
    "N47JOGDEfrcypccB6sdRv9Yu6XqBKn9aLmocMLU44CpL/VzS58NZccB3MR9AHDg6H/hS0fVqSl4Z0XygNqPX21Dl3Qre0fFx4Iy0GY/KK1IaXBvf"
    "06QZvnGhWfUuhGvu3syMzTls7qN6boea4rlhygpnwufigsftOb0ZybPW853mu5aqQ9QvPck0zL2qvGUl/kSkH4k96PiyNnu8frx+uwhfSiLGDR6+"
    "KjpulDM+112QkupZpPyD6Fkp9e2n6FH93wuD27My6gcAAAAAAKdj98nToFPuLQx5nutx1wcAAACA4cOZTfYj5T4g54P3I3PvPxpy/zHeV+QHasfH"
    "Iz1oT5Q9ovws3c8uq51zYa+z4bd61XzZEuVzoZ3EJ9zYhA5LmLMnu5f712n5YJofy8oDda/q7wUUi7R8cIfkV4edD07LY3buynLA8vmve13vNyi2"
    "/0b+FKzqesPOY/4H+bfGDXlrLPm3O7c27/PEPyIndo7OlRnk/jap5/ssfBoAAAAAAAAAAJhU6Lnug2V9ne/J7RG2vgpbZduxf475W4a94t/v+LBd"
    "kpOeY55flDLrHPMS0Us7Z1xL0aP61xYHt4dzzAAAAAAAo2V855h8NePzSA8m8xwTXb8N4xyTyAX/BU+lB3s="
)


def damage(position: int, value: int) -> bytes:
    content = bytearray(zlib.decompress(base64.b64decode(HDF5)))
    content[position] = value
    return bytes(content)


def hdf5(make: Callable[[h5py.File], object]) -> bytes:
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for name, values in plain_weights().items():
            file.create_dataset(name, data=np.asarray(values, np.float32))
        make(file)
    return content.getvalue()


def declare_much(file: h5py.File) -> None:
    """Declare 800 million zeros, which gzip makes small."""
    chunk = zlib.compress(bytes(4 * 2**20))
    dataset = file.create_dataset("layers/more", (800 * 2**20,), "f4", chunks=(2**20,), compression="gzip")
    for start in range(800):
        dataset.id.write_direct_chunk((start * 2**20,), chunk)


def lie_deep(file: h5py.File) -> None:
    group = file
    for _ in range(3000):
        group = group.create_group("a")


def make_cycle(file: h5py.File) -> None:
    file["layers/dense/again"] = file["layers"]


def widen(file: h5py.File) -> None:
    del file["layers/dense/vars/0"]
    file["layers/dense/vars/0"] = np.zeros((784, 11), np.float32)


WEIGHTS = {
    "ends the process": (lambda: damage(9481, 255), "is damaged and cannot be loaded"),
    "endless": (lambda: damage(11281, 0), "HDF5 cannot read it"),
    "much": (lambda: hdf5(declare_much), "its weights would take 3,200 MiB"),
    "not there": (lambda: hdf5(lambda file: file.create_dataset("x", (10**6,), "f4")), "of which the file holds 0"),
    "cycle": (lambda: hdf5(make_cycle), "more than 60 groups deep"),
    "deep": (lambda: hdf5(lie_deep), "more than 60 groups deep"),
    "many": (
        lambda: hdf5(lambda file: [file.create_group(f"x/{index}") for index in range(11_000)]),
        "more than 10,000 arrays and groups",
    ),
    "elsewhere": (
        lambda: hdf5(lambda file: file.__setitem__("x", h5py.ExternalLink("/etc/passwd", "/"))),
        "lie in another place or file",
    ),
    "soft link": (lambda: hdf5(lambda file: file.__setitem__("x", h5py.SoftLink("/layers"))), "lie in another place"),
    "texts": (lambda: hdf5(lambda file: file.__setitem__("x", ["a", "b"])), "are no numbers"),
    "other shape": (lambda: hdf5(widen), "is damaged and cannot be loaded"),
    "none": (lambda: to_hdf5({"other": np.zeros(3)}), "is damaged and cannot be loaded"),
    "text": (lambda: b"weights", "is damaged and cannot be loaded"),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_hostile_weights_are_refused(limited, six, tmp_path, name):
    make, words = WEIGHTS[name]
    path = write(tmp_path / "hostile.keras", weights=make())
    assert_one_sentence(limited.run_cli("predict", six, "--model", path), words)


def test_a_model_needs_the_weights_that_its_layers_ask_for(limited, six, tmp_path):
    path = write(tmp_path / "hostile.keras", sequential(FLAT, dense(12_000), dense(12_000, "dense_1"), dense(name="x")))
    result = limited.run_cli("predict", six, "--model", path)
    assert_one_sentence(result, "its layers ask for 153,552,010 weights, but it holds 7,850")


def test_a_classifier_of_photographs_is_not_too_large(limited, six, tmp_path):
    """VGG19 at 224 pixels, of which the weights are left out here."""
    widths = [*[64] * 2, *[128] * 2, *[256] * 4, *[512] * 8]
    layers = []
    for number, width in enumerate(widths):
        layers.append(conv(width, name=f"conv{number}"))
        if number in (1, 3, 7, 11, 15):
            sizes = {"pool_size": [2, 2], "strides": [2, 2], "padding": "valid", "data_format": "channels_last"}
            layers.append(layer("MaxPooling2D", f"pool{number}", **sizes))
    head = [layer("Flatten"), dense(4096, "one"), dense(4096, "two"), dense(1000, "three")]
    path = write(tmp_path / "vgg19.keras", functional(*layers, *head, shape=(224, 224, 3)))
    result = limited.run_cli("predict", six, "--model", path)
    assert_one_sentence(result, "its layers ask for 143,667,240 weights, but it holds 7,850")


def test_a_slow_model_is_asked_for_its_scale(limited, six, tmp_path):
    """One that cannot be tried on hundreds of digits in a few seconds."""
    config = functional(conv(1500, 28), GLOBAL, dense())
    generator = np.random.default_rng(0)
    weights = {
        "layers/conv2d/vars/0": generator.normal(0, 0.01, (28, 28, 1, 1500)),
        "layers/conv2d/vars/1": np.zeros(1500),
        "layers/dense/vars/0": generator.normal(0, 0.1, (1500, 10)),
        "layers/dense/vars/1": np.zeros(10),
    }
    path = write(tmp_path / "slow.keras", config, weights)
    assert_one_sentence(limited.run_cli("predict", six, "--model", path), "it is too large to be tried on them")
    assert limited.run_cli("predict", six, "--model", path, "--scale", "1").returncode == 0


def with_card(path: Path, **changes) -> Path:
    """Write a model that carries a card, and no ONNX network."""
    write(path)
    with zipfile.ZipFile(path, "a") as archive:
        network = hashlib.sha256(archive.read("config.json") + archive.read("model.weights.h5")).hexdigest()
        card = {
            "format": 1,
            "name": "plain",
            "architecture": "mlp",
            "input_shape": [28, 28, 1],
            "class_names": list("0123456789"),
            "preparation": "mnist",
            "network": network,
        }
        archive.writestr("kerascnn/card.json", json.dumps(card | changes))
    return path


def test_a_card_of_its_network_is_taken(limited, six, tmp_path):
    assert limited.run_cli("predict", six, "--model", with_card(tmp_path / "plain.keras")).returncode == 0


CARDS = {
    "fewer classes": ({"class_names": ["a", "b"]}, "gives 10 classes, its card names 2"),
    "many classes": ({"class_names": [f"c{index}" for index in range(200_000)]}, "its card names 200000"),
    "other images": ({"input_shape": [32, 28, 1]}, "takes images of 28x28, its card names 32x28"),
    "large images": ({"input_shape": [4096, 4096, 1]}, "takes images of 28x28, its card names 4096x4096"),
    "pages": ({"preparation": "page"}, "classifies pictures, its card says otherwise"),
    "other outputs": ({"feeding": {"shape": [28, 28, 1], "outputs": "sigmoid"}}, "gives 20 classes, its card names 10"),
    "other input": ({"feeding": {"shape": [10**9]}}, "takes (28, 28, 1) for an image, its card names (1000000000,)"),
    "no scale": ({"feeding": {"shape": [28, 28, 1], "scale": "0..0"}}, "the scale '0..0' is none"),
    "larger than any": ({"input_shape": [10**5, 10**5, 1]}, "input_shape"),
    "seed": ({"seed": 10**30}, "seed"),
    "metrics": ({"metrics": {"test_accuracy": [[[]]]}}, "metrics.test_accuracy"),
    "network": ({"network": "0" * 64}, "carries the card of another network"),
}


@pytest.mark.parametrize("name", CARDS)
def test_a_card_that_is_not_its_networks_is_refused(limited, six, tmp_path, name):
    changes, words = CARDS[name]
    result = limited.run_cli("predict", six, "--model", with_card(tmp_path / "plain.keras", **changes))
    notes = b"carries no ONNX network; using Keras, which starts more slowly.\n"
    result.stderr = result.stderr.partition(notes)[2] or result.stderr
    assert_one_sentence(result, words)


def test_a_scale_that_makes_no_probabilities_gives_no_answer(limited, six, tmp_path):
    """Logits of a network whose card calls them probabilities."""
    path = with_card(tmp_path / "plain.keras", feeding={"shape": [28, 28, 1], "outputs": "probabilities"})
    with zipfile.ZipFile(path) as archive:
        card = json.loads(archive.read("kerascnn/card.json"))
    weights = to_hdf5(plain_weights())
    config = json.dumps(sequential(FLAT, dense(activation="linear", units=10)))
    card["network"] = hashlib.sha256(config.encode() + weights).hexdigest()
    write(path, config, weights)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("kerascnn/card.json", json.dumps(card))
    result = limited.run_cli("predict", six, "--model", path)
    assert result.returncode == 1
    assert not result.stdout
    assert b"for a class, which is no probability" in result.stderr
