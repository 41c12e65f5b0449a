"""ONNX networks that are broken, absurd or made to do harm: one sentence, bounded memory and time, and no answer."""

import hashlib
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from conftest import clean_environment
from limits import MIB
from onnx import TensorProto, helper, numpy_helper

from kerascnn.saving.model_archive import pack_model
from kerascnn.saving.model_files import find_shipped_model
from kerascnn.saving.onnx_files import require_safe_onnx
from kerascnn.saving.stored_model import open_model
from kerascnn.utils.errors import ModelError

pytestmark = pytest.mark.hostile

LIMITS = (4000 * MIB, 20)
"""One process for all networks: 4 GB and 20 s of the processor for each."""

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
IMAGE = [None, 28, 28, 1]


def ints(name: str, *values: int):
    return numpy_helper.from_array(np.array(values, np.int64), name)


def floats(name: str, *shape: int, value: float = 0.01):
    return numpy_helper.from_array(np.full(shape, value, np.float32), name)


def classify(name: str) -> list:
    """From any tensor to probabilities of ten classes: the mean of it, ten times."""
    return [
        helper.make_node("ReduceMean", [name], ["mean"], keepdims=0),
        helper.make_node("Flatten", ["x"], ["flat"]),
        helper.make_node("MatMul", ["flat", "head"], ["scores"]),
        helper.make_node("Add", ["scores", "mean"], ["sum"]),
        helper.make_node("Softmax", ["sum"], ["y"]),
    ]


def network(
    *nodes,
    tensors=(),
    image=IMAGE,
    classes=10,
    kind=FLOAT,
    change: Callable | None = None,
    sets=(("", 15),),
    **settings,
) -> bytes:
    """An ONNX network from images by the name of x to y."""
    graph = helper.make_graph(
        [*nodes],
        "graph",
        [helper.make_tensor_value_info("x", kind, image)],
        [helper.make_tensor_value_info("y", FLOAT, [None, classes])],
        initializer=[floats("head", 784, classes), *tensors],
    )
    opsets = [helper.make_opsetid(*one) for one in sets]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8, **settings)
    if change is not None:
        change(model)
    return model.SerializeToString()


def attack(kind: str, *inputs: str, tensors=(), attributes: dict | None = None, **settings) -> bytes:
    """A classifier whose answer needs the result of one operator."""
    node = helper.make_node(kind, list(inputs), ["big"], **(attributes or {}))
    return network(node, *classify("big"), tensors=tensors, **settings)


def looping(trips: int) -> bytes:
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Sin", ["v"], ["w"])],
        "body",
        [
            helper.make_tensor_value_info("i", INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("v", FLOAT, None),
        ],
        [helper.make_tensor_value_info("on", TensorProto.BOOL, []), helper.make_tensor_value_info("w", FLOAT, None)],
    )
    yes = numpy_helper.from_array(np.array(True), "yes")
    return attack("Loop", "trips", "yes", "x", tensors=[ints("trips", trips), yes], attributes={"body": body})


def doubling(times: int, kind: str) -> bytes:
    """Tensors that are put together with themselves again and again."""
    nodes = [helper.make_node("Flatten", ["x"], ["v0"], axis=0)]
    nodes += [helper.make_node(kind, [f"v{i}", f"v{i}"], [f"v{i + 1}"], axis=1) for i in range(times)]
    return network(*nodes, *classify(f"v{times}"))


def growing(times: int) -> bytes:
    """Each operator makes a tensor with shapes that are computed, which nobody knows beforehand."""
    nodes = [helper.make_node("Shape", ["x"], ["s0"])]
    nodes += [helper.make_node("Mul", [f"s{i}", f"s{i}"], [f"s{i + 1}"]) for i in range(times)]
    nodes += [helper.make_node("ConstantOfShape", [f"s{times}"], ["big"])]
    return network(*nodes, *classify("big"))


def working(times: int) -> bytes:
    """Ever more work on tensors that just fit."""
    nodes = [helper.make_node("Tile", ["x", "times"], ["v0"])]
    nodes += [helper.make_node("Sin", [f"v{i}"], [f"v{i + 1}"]) for i in range(times)]
    return network(*nodes, *classify(f"v{times}"), tensors=[ints("times", 1, 300, 300, 1)])


def wide_product(size: int) -> bytes:
    """Products of matrices that are far larger than the picture."""
    nodes = [helper.make_node("Flatten", ["x"], ["flat0"]), helper.make_node("Tile", ["flat0", "times"], ["v0"])]
    nodes += [helper.make_node("MatMul", [f"v{i}", f"v{i}"], [f"v{i + 1}"]) for i in range(200)]
    return network(*nodes, *classify("v200"), tensors=[ints("times", size, size // 784)])


def untruthful(change: Callable) -> bytes:
    """A plain classifier of which one thing is changed."""
    return network(*classify("x"), change=change)


def with_function(model) -> None:
    function = helper.make_function(
        "own", "F", ["a"], ["b"], [helper.make_node("Sin", ["a"], ["b"])], model.opset_import
    )
    model.functions.append(function)


def elsewhere(model) -> None:
    tensor = model.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    tensor.ClearField("raw_data")


def of_sizes(*sizes: int) -> Callable:
    def change(model) -> None:
        del model.graph.initializer[0].dims[:]
        model.graph.initializer[0].dims.extend(sizes)

    return change


def sparse(model) -> None:
    values = helper.make_tensor("values", FLOAT, [1], [1.0])
    indices = helper.make_tensor("indices", INT64, [1], [0])
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [1 << 40]))


def attribute(name: str, values) -> Callable:
    def change(model) -> None:
        model.graph.node[0].attribute.append(helper.make_attribute(name, values))

    return change


def valid() -> bytes:
    return network(*classify("x"))


def nested(depth: int) -> bytes:
    """Messages within messages, as deep as bytes allow."""
    content = b""
    for _ in range(depth):
        if len(content) >= 1 << 20:
            break
        content = b"\x3a" + _varint(len(content)) + content
    return content


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def kernel(*sizes: int, **attributes) -> bytes:
    return attack("Conv", "nchw", "kernel", tensors=[floats("kernel", *sizes)], attributes=attributes)


OTHER_OPERATORS: dict[str, Callable[[], bytes]] = {
    "loop of 2^62 trips": lambda: looping(1 << 62),
    "loop of one trip": lambda: looping(1),
    "range": lambda: attack("Range", "a", "b", "c", tensors=[ints("a"), ints("b"), ints("c")]),
    "random numbers": lambda: attack("RandomNormal", attributes={"shape": [1 << 20, 1 << 10]}),
    "identity matrix": lambda: attack("EyeLike", "x"),
    "one-hot": lambda: attack("OneHot", "x", "depth", "values", tensors=[ints("depth", 1 << 40), floats("values", 2)]),
    "strings": lambda: attack("StringNormalizer", "x"),
    "einsum": lambda: attack("Einsum", "x", attributes={"equation": "abcd->abcdabcd"}),
    "no name": lambda: attack("", "x"),
    "other domain": lambda: network(
        helper.make_node("Sin", ["x"], ["big"], domain="com.microsoft"), *classify("big"), sets=(("com.microsoft", 1),)
    ),
    "own domain": lambda: network(*classify("x"), sets=(("", 15), ("own", 1))),
    "decoder": lambda: network(
        helper.make_node("Inverse", ["x"], ["big"], domain="ai.onnx.ml"),
        *classify("big"),
        sets=(("", 15), ("ai.onnx.ml", 2)),
    ),
}

REFUSED: dict[str, Callable[[], bytes]] = {
    "branch": lambda: attack("Identity", "x", attributes={"then_branch": onnx.load_from_string(valid()).graph}),
    "branches": lambda: attack("Identity", "x", attributes={"branches": [onnx.load_from_string(valid()).graph] * 3}),
    "function": lambda: untruthful(with_function),
    "training": lambda: untruthful(lambda model: model.training_info.add()),
    "data elsewhere": lambda: untruthful(elsewhere),
    "sparse tensor": lambda: untruthful(sparse),
    "constant of shape": lambda: attack("ConstantOfShape", "s", tensors=[ints("s", 40_000, 40_000)]),
    "constant of a huge shape": lambda: attack("ConstantOfShape", "s", tensors=[ints("s", 1 << 62, 1 << 62)]),
    "constant of typed shape": lambda: attack(
        "ConstantOfShape", "s", tensors=[helper.make_tensor("s", INT64, [2], [1 << 31, 1 << 31])]
    ),
    "expand": lambda: attack("Expand", "x", "s", tensors=[ints("s", 1 << 20, 28, 28, 1 << 10)]),
    "tile": lambda: attack("Tile", "x", "s", tensors=[ints("s", 1, 1 << 10, 1 << 10, 1 << 10)]),
    "reshape": lambda: attack("Reshape", "x", "s", tensors=[ints("s", -1, 1 << 40)]),
    "pad": lambda: attack("Pad", "x", "s", tensors=[ints("s", 0, 1 << 30, 0, 0, 0, 1 << 30, 0, 0)]),
    "pad below zero": lambda: attack("Pad", "x", "s", tensors=[ints("s", 0, -(1 << 62), 0, 0, 0, 1 << 30, 0, 0)]),
    "resize": lambda: attack("Resize", "x", "", "", "s", tensors=[ints("s", 1, 1 << 20, 1 << 20, 1)]),
    "scale": lambda: attack(
        "Resize", "x", "", "s", tensors=[numpy_helper.from_array(np.array([1, 1e6, 1e6, 1], np.float32), "s")]
    ),
    "scale that is no number": lambda: attack("Resize", "x", "", "s", tensors=[floats("s", 4, value=np.nan)]),
    "constant node": lambda: network(
        helper.make_node("Constant", [], ["s"], value=ints("", 1 << 30, 1 << 30)),
        helper.make_node("ConstantOfShape", ["s"], ["big"]),
        *classify("big"),
    ),
    "strides": lambda: attack("MaxPool", "x", attributes={"kernel_shape": [1, 1], "strides": [1 << 40, 1]}),
    "pads": lambda: attack("AveragePool", "x", attributes={"kernel_shape": [1, 1], "pads": [1 << 40] * 4}),
    "many numbers": lambda: attack("Transpose", "x", attributes={"perm": [0] * 5000}),
    "tensor of 2^60 values": lambda: untruthful(of_sizes(1 << 30, 1 << 30)),
    "tensor of too few values": lambda: untruthful(of_sizes(784, 11)),
    "tensor below zero": lambda: untruthful(of_sizes(-784, -10)),
    "tensor of 1000 dimensions": lambda: untruthful(of_sizes(*[1] * 1000)),
    "tensor of texts": lambda: network(
        *classify("x"), tensors=[helper.make_tensor("t", TensorProto.STRING, [1], [b"a"])]
    ),
    "tensor of an unknown type": lambda: untruthful(lambda model: setattr(model.graph.initializer[0], "data_type", 99)),
    "tensor twice": lambda: untruthful(lambda model: model.graph.initializer[0].float_data.extend([1.0] * 7840)),
    "20,000 operators": lambda: network(*[helper.make_node("Sin", ["x"], [f"v{i}"]) for i in range(20_000)]),
    "20,000 tensors": lambda: network(*classify("x"), tensors=[floats(f"t{i}", 1) for i in range(20_000)]),
    "empty": lambda: b"",
    "cut": lambda: valid()[:1000],
    "cut at the end": lambda: valid()[:-1],
    "text": lambda: b"this is no network",
    "pickle": lambda: b"\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x02os\x94\x8c\x06system\x94\x93\x94.",
    "number without an end": lambda: b"\xff" * 1000,
    "length beyond the end": lambda: b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    "group": lambda: b"\x0b\x0c" * 1000,
    "million fields": lambda: b"\x08\x01" * 1_000_000,
    "nested": lambda: nested(10_000),
    "graph twice": lambda: valid() * 2,
    "graph that is a number": lambda: b"\x38\x01",
    "noise": lambda: np.random.default_rng(0).bytes(5000),
}

AT_WORK: dict[str, Callable[[], bytes]] = {
    # What only the work itself shows: the bound of the memory, the time, and the form of what comes out.
    "concatenated 40 times": lambda: doubling(40, "Concat"),
    "grown by computed shapes": lambda: growing(2),
    "work without an end": lambda: working(9000),
    "products of matrices": lambda: wide_product(7840),
    "other classes": lambda: network(*classify("x"), classes=7),
    "classes that are not said": lambda: untruthful(
        lambda model: model.graph.output[0].CopyFrom(helper.make_tensor_value_info("flat", FLOAT, [None, None]))
    ),
    "other size": lambda: network(*classify("x"), image=[None, 32, 32, 1]),
    "three channels": lambda: network(*classify("x"), image=[None, 28, 28, 3]),
    "one picture": lambda: network(
        helper.make_node("Reshape", ["x", "s"], ["big"]), *classify("big"), tensors=[ints("s", 1 << 27, 2)]
    ),
    "whole numbers": lambda: network(*classify("x"), kind=INT64),
    "two inputs": lambda: untruthful(
        lambda model: model.graph.input.append(helper.make_tensor_value_info("z", FLOAT, []))
    ),
    "no outputs": lambda: untruthful(lambda model: model.graph.ClearField("output")),
    "name that is no text": lambda: attack("Sin", "nothing").replace(b"nothing", b"n\xfft\xffing"),
    "unknown tensor": lambda: attack("Sin", "nothing"),
    "circle": lambda: network(
        helper.make_node("Sin", ["b"], ["a"]), helper.make_node("Sin", ["a"], ["b"]), *classify("a")
    ),
    "wrong attribute": lambda: untruthful(attribute("keepdims", "text")),
    "later version": lambda: network(*classify("x"), sets=(("", 9999),)),
    "no numbers": lambda: network(
        *classify("x"),
        tensors=[],
        change=lambda m: m.graph.initializer[0].CopyFrom(floats("head", 784, 10, value=np.nan)),
    ),
    "no probabilities": lambda: untruthful(
        lambda model: model.graph.node[-1].CopyFrom(helper.make_node("Identity", ["sum"], ["y"]))
    ),
}


def put(content: bytes, path: Path) -> Path:
    """Write the classic network, with another ONNX network than its own and a card that names it."""
    stored = open_model(find_shipped_model("lecture"))
    stored.archive.write_network(path)
    (path.parent / "network.onnx").write_bytes(content)
    card = replace(stored.card, files={"network.onnx": hashlib.sha256(content).hexdigest()})
    pack_model(path, card.to_json(), path.parent / "network.onnx")
    return path


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("name", OTHER_OPERATORS)
def test_other_operators_are_not_run(name):
    with pytest.raises(ModelError, match=r"is not run by ONNX Runtime: it (has the operator|needs the operators)"):
        require_safe_onnx(OTHER_OPERATORS[name](), "the network")


def test_a_model_with_other_operators_is_run_by_keras(limited, tmp_path, six):
    result = limited.run_cli("predict", six, "--model", put(looping(1 << 62), tmp_path / "model.keras"))
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(b"6 ")
    assert b"Loop" in result.stderr
    assert b"Using Keras" in result.stderr


@pytest.mark.parametrize("name", [*REFUSED, *AT_WORK])
def test_a_hostile_network_gets_one_sentence(limited, tmp_path, six, name):
    content = {**REFUSED, **AT_WORK}[name]()
    result = limited.run_cli("predict", six, "--model", put(content, tmp_path / "model.keras"))
    lines = result.stderr.decode().splitlines()
    assert result.returncode == 1, (result.stdout, lines)
    assert not result.stdout
    assert sum(line.startswith("kerascnn: ") for line in lines) == 1, lines
    assert len(lines) <= 2, lines  # the model, and what is wrong with it
    assert "Traceback" not in lines[-1]
    if name in REFUSED:
        assert "ONNX network of" in lines[-1]
        assert "refused" in lines[-1]


def test_a_plain_network_is_run(limited, tmp_path, six):
    result = limited.run_cli("predict", six, "--model", put(valid(), tmp_path / "model.keras"))
    assert result.returncode == 0, result.stderr
    assert result.stdout
    assert not result.stderr


@pytest.mark.parametrize("name", ["reference", "lecture", "segmenter"])
def test_the_networks_that_ship_are_safe(name):
    with zipfile.ZipFile(find_shipped_model(name)) as archive:
        require_safe_onnx(archive.read("kerascnn/model.onnx"), name)


def test_ctrl_c_ends_a_network_at_work(tmp_path, six):
    process = subprocess.Popen(
        [
            sys.executable,
            "-P",
            "-m",
            "kerascnn",
            "predict",
            six,
            "--model",
            put(working(9000), tmp_path / "model.keras"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=clean_environment(),
    )
    while _processor_seconds(process.pid) < 2:  # far more than the start takes, and less than the network may take
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    message = process.communicate()[1]
    assert (process.returncode, message) == (130, b"kerascnn: interrupted.\n")


def test_onnx_runtime_writes_nothing_below_the_home(cli, tmp_path, six):
    home = tmp_path / "home"
    home.mkdir()
    result = cli("predict", six, HOME=str(home), XDG_CACHE_HOME=str(home / "cache"))
    assert result.returncode == 0, result.stderr
    assert not list(home.iterdir())
