"""What an ONNX network may consist of: operators whose work follows the size of what they are given, and tensors whose
bytes are there.

A file is refused for everything that is not named here: other operators and domains, graphs within operators (loops,
branches), functions, data in other files, sparse tensors.
"""

import struct
from collections.abc import Collection
from dataclasses import dataclass, field
from math import prod

from kerascnn.saving.protobuf_wire import Value, read_fields, read_varint, to_signed
from kerascnn.utils.errors import ModelError

OPERATORS = frozenset({
    "Abs", "Add", "And", "ArgMax", "ArgMin", "AveragePool", "BatchNormalization", "Cast", "Ceil", "Celu", "Clip",
    "Concat", "Constant", "ConstantOfShape", "Conv", "ConvTranspose", "Cos", "Cosh", "DepthToSpace", "Div", "Elu",
    "Equal", "Erf", "Exp", "Expand", "Flatten", "Floor", "Gather", "Gelu", "Gemm", "GlobalAveragePool",
    "GlobalMaxPool", "Greater", "GreaterOrEqual", "GroupNormalization", "HardSigmoid", "HardSwish", "Identity",
    "InstanceNormalization", "LSTM", "LayerNormalization", "LeakyRelu", "Less", "LessOrEqual", "Log", "LogSoftmax",
    "MatMul", "Max", "MaxPool", "Mean", "Min", "Mish", "Mod", "Mul", "Neg", "Not", "Or", "PRelu", "Pad", "Pow",
    "Reciprocal", "ReduceL1", "ReduceL2", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd",
    "ReduceSum", "ReduceSumSquare", "Relu", "Reshape", "Resize", "ReverseSequence", "Round", "Selu", "Shape",
    "Sigmoid", "Sign", "Sin", "Sinh", "Size", "Slice", "Softmax", "Softplus", "Softsign", "SpaceToDepth", "Split",
    "Sqrt", "Squeeze", "Sub", "Sum", "Tan", "Tanh", "ThresholdedRelu", "Tile", "Transpose", "Unsqueeze", "Where",
    "Xor",
})  # fmt: skip
"""What the conversion of classifiers writes. Not among them is what may go on for ever, such as Loop."""

_SHAPE_INPUTS = {"ConstantOfShape": 0, "Expand": 1, "Pad": 1, "Reshape": 1, "Tile": 1, "Resize": 3}
"""Operators whose result is as large as the numbers of an input say, and the position of that input."""

_SCALES_OF_RESIZE = 2
_MAX_FIELDS = 500_000
_MAX_NODES = _MAX_TENSORS = 10_000
_MAX_ATTRIBUTE_NUMBERS = 1024
_MAX_ATTRIBUTE_VALUE = 1 << 20  # of a stride, a padding, a dilation
_MAX_VALUES = 1 << 28  # of a tensor, as in the configuration of a model
_MAX_SHAPE_NUMBERS = 32
_MAX_SCALE = 64
_BYTES_A_VALUE = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8}  # by the type of a tensor
_INT32, _INT64, _FLOAT = 6, 7, 1

# Numbers of the fields that each message may have; those of other files, functions and graphs within are missing.
_MODEL = {"ir_version": 1, "producer": 2, "version": 3, "domain": 4, "number": 5, "text": 6, "graph": 7, "opset": 8}
_MODEL_FIELDS = {*_MODEL.values(), 14}
_GRAPH_FIELDS = {1, 2, 5, 10, 11, 12, 13}
_NODE_FIELDS = {1, 2, 3, 4, 5, 6, 7}
_ATTRIBUTE_FIELDS = {1, 2, 3, 4, 5, 7, 8, 9, 13, 20}
_TENSOR_FIELDS = {1, 2, 4, 5, 7, 8, 9, 10, 11, 12}
_REASONS = {
    ("a tensor", 13): "it refers to data in other files",
    ("a tensor", 14): "it refers to data in other files",
    ("an attribute", 6): "an operator has a network within",
    ("an attribute", 11): "an operator has networks within",
    ("the model", 25): "it has functions of its own",
}
_TENSOR_CONTENT = (4, 5, 7, 9, 10, 11)
_PACKED_BYTES = {4: 4, 10: 8}  # of a number in a list of float or double


class OtherOperatorError(ModelError):
    """An ONNX network has an operator that kerascnn does not hand to ONNX Runtime; Keras may run the model."""


class _RefusedError(ValueError):
    """Says what is wrong with a network."""


class _OtherOperatorError(_RefusedError):
    """Says which operator it is."""


Fields = dict[int, list[Value]]


@dataclass
class _Reader:
    """Reads messages, of which all together have so many fields at most."""

    num_fields: int = 0
    constants: dict[bytes, memoryview] = field(default_factory=dict)

    def read(self, content: Value, allowed: Collection[int], once: Collection[int], what: str) -> Fields:
        """Read a message with no fields but those that are allowed, and some of them once at most."""
        if isinstance(content, int):
            raise _RefusedError(f"{what} is a number")
        fields: Fields = {}
        for number, value in read_fields(content):
            self.num_fields += 1
            if self.num_fields > _MAX_FIELDS:
                raise _RefusedError("it has too many parts")
            if number not in allowed:
                reason = _REASONS.get((what, number), f"{what} has what no classifier needs (number {number})")
                raise _RefusedError(reason)
            fields.setdefault(number, []).append(value)
        for number in once:
            if len(fields.get(number, ())) > 1:
                raise _RefusedError(f"{what} has a part twice")
        return fields


def require_safe_network(content: bytes, name: str) -> None:
    """Refuse an ONNX network that has anything but known operators on tensors that are there, of modest size.

    Args:
        content: The file.
        name: What it is, for messages.

    Raises:
        OtherOperatorError: If it has an operator that is not in `OPERATORS`.
        ModelError: If it is refused for anything else.
    """
    try:
        _check_model(_Reader(), memoryview(content))
    except _OtherOperatorError as error:
        raise OtherOperatorError(f"{name} is not run by ONNX Runtime: {error}.") from error
    except ValueError as error:
        reason = str(error) if isinstance(error, _RefusedError) else f"it is no ONNX file ({error})"
        raise ModelError(f"{name} is refused: {reason}; get another copy, or train the model again.") from error


def _check_model(reader: _Reader, content: memoryview) -> None:
    model = reader.read(content, _MODEL_FIELDS, (_MODEL["graph"],), "the model")
    for opset in model.get(_MODEL["opset"], []):
        domain = _text(reader.read(opset, {1, 2}, (1, 2), "an operator set"), 1)
        if domain not in ("", "ai.onnx", "ai.onnx.ml"):
            raise _OtherOperatorError(f"it needs the operators of {domain[:80]!r}")
    if _MODEL["graph"] not in model:
        raise _RefusedError("it has no graph")
    graph = reader.read(model[_MODEL["graph"]][0], _GRAPH_FIELDS, (2,), "the graph")
    nodes, tensors = graph.get(1, []), graph.get(5, [])
    if len(nodes) > _MAX_NODES or len(tensors) > _MAX_TENSORS:
        raise _RefusedError(f"it has more than {_MAX_NODES:,} operators or tensors")
    for tensor in tensors:
        _check_tensor(reader, tensor)
    for node in nodes:
        _check_node(reader, node)


def _check_node(reader: _Reader, content: Value) -> None:
    node = reader.read(content, _NODE_FIELDS, (3, 4, 7), "an operator")
    kind, domain = _text(node, 4), _text(node, 7)
    if kind not in OPERATORS or domain not in ("", "ai.onnx"):
        raise _OtherOperatorError(f"it has the operator {kind[:80]!r}, which is not among those of classifiers")
    for attribute in node.get(5, []):
        _check_attribute(reader, attribute, kind, node)
    inputs = [bytes(one) for one in node.get(1, []) if not isinstance(one, int)]
    position = _SHAPE_INPUTS.get(kind)
    if position is not None and len(inputs) > position:
        _check_shape(reader, inputs[position], kind)
    if kind == "Resize" and len(inputs) > _SCALES_OF_RESIZE:
        _check_scales(reader, inputs[_SCALES_OF_RESIZE])


def _check_attribute(reader: _Reader, content: Value, kind: str, node: Fields) -> None:
    attribute = reader.read(content, _ATTRIBUTE_FIELDS, (1, 2, 3, 4, 5, 13, 20), "an attribute")
    name = _text(attribute, 1)
    for tensor in attribute.get(5, []):
        outputs = [bytes(one) for one in node.get(2, []) if not isinstance(one, int)]
        _check_tensor(reader, tensor, outputs[0] if kind == "Constant" and outputs else b"")
    numbers = [
        *_numbers(attribute.get(8, [])),
        *(to_signed(one) for one in attribute.get(3, []) if isinstance(one, int)),
    ]
    if len(numbers) > _MAX_ATTRIBUTE_NUMBERS:
        raise _RefusedError(f"an attribute of {kind} has more than {_MAX_ATTRIBUTE_NUMBERS:,} numbers")
    # The ends of a slice are as large as can be where it goes to the end; whatever they are, nothing grows by them.
    if kind != "Slice" and any(abs(number) > _MAX_ATTRIBUTE_VALUE for number in numbers):
        raise _RefusedError(f"{name[:80]!r} of {kind} is larger than {_MAX_ATTRIBUTE_VALUE:,}")


def _check_tensor(reader: _Reader, content: Value, name: bytes | None = None) -> None:
    """Require that the values of a tensor are there, and remember those that may say how large a result is."""
    tensor = reader.read(content, _TENSOR_FIELDS, (2, 8, 9), "a tensor")
    kind = tensor.get(2, [0])[0]
    dimensions = _numbers(tensor.get(1, []))
    if not isinstance(kind, int) or kind not in _BYTES_A_VALUE:
        raise _RefusedError("a tensor is not of numbers")
    if any(size < 0 for size in dimensions) or len(dimensions) > _MAX_SHAPE_NUMBERS:
        raise _RefusedError("a tensor has a shape that it cannot have")
    num_values, contents = prod(dimensions), [number for number in _TENSOR_CONTENT if number in tensor]
    if num_values > _MAX_VALUES or len(contents) > 1:
        raise _RefusedError("a tensor is too large, or has its values twice")
    available = sum(_count_values(number, value, kind) for number in contents for value in tensor[number])
    if num_values > available:
        raise _RefusedError(f"a tensor of {num_values:,} values has {available:,} of them")
    own = name or (bytes(value) if isinstance(value := tensor.get(8, [b""])[0], memoryview | bytes) else b"")
    if own and num_values <= _MAX_SHAPE_NUMBERS and kind in (_INT32, _INT64, _FLOAT):
        reader.constants[own] = memoryview(content) if not isinstance(content, int) else memoryview(b"")


def _count_values(number: int, value: Value, kind: int) -> int:
    """Count the values that a part of a tensor holds at most."""
    if isinstance(value, int):
        return 1
    return len(value) // (_BYTES_A_VALUE[kind] if number == 9 else _PACKED_BYTES.get(number, 1))


def _check_shape(reader: _Reader, name: bytes, kind: str) -> None:
    sizes = [max(1, abs(size)) for size in _read_constant(reader, name)]
    if sum(sizes) > _MAX_VALUES or prod(sizes) > _MAX_VALUES:
        raise _RefusedError(f"a result of {kind} is larger than {_MAX_VALUES:,} values")


def _check_scales(reader: _Reader, name: bytes) -> None:
    if any(not abs(scale) <= _MAX_SCALE for scale in _read_constant(reader, name)):
        raise _RefusedError(f"a picture is enlarged more than {_MAX_SCALE} times")


def _read_constant(reader: _Reader, name: bytes) -> list[float]:
    """Read the values of a small tensor that is part of the network; none if it is computed."""
    if name not in reader.constants:
        return []
    tensor = reader.read(reader.constants[name], _TENSOR_FIELDS, (), "a tensor")
    formats = {_FLOAT: "<f", _INT32: "<i", _INT64: "<q"}
    kind = tensor[2][0]
    found: list[float] = []
    for number, format in ((9, formats[kind] if isinstance(kind, int) else ""), (4, "<f")):
        for value in tensor.get(number, []):
            if isinstance(value, memoryview):
                size = struct.calcsize(format)
                found += [number for (number,) in struct.iter_unpack(format, value[: len(value) // size * size])]
    return found + [float(number) for part in (5, 7) for number in _numbers(tensor.get(part, []))]


def _numbers(values: list[Value]) -> list[int]:
    """Read whole numbers, which stand one by one or packed."""
    numbers: list[int] = []
    for value in values:
        if isinstance(value, int):
            numbers.append(to_signed(value))
            continue
        position = 0
        while position < len(value) and len(numbers) <= _MAX_ATTRIBUTE_NUMBERS:
            number, position = read_varint(value, position)
            numbers.append(to_signed(number))
    return numbers


def _text(fields: Fields, number: int) -> str:
    value = fields.get(number, [memoryview(b"")])[0]
    return "" if isinstance(value, int) else bytes(value).decode(errors="replace")
