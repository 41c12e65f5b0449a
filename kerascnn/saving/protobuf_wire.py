"""Read the wire format of protocol buffers, of which ONNX files are made: fields by number, nothing copied.

The package `onnx` reads them, too, but its import takes longer than all of `kerascnn predict`.
"""

from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_VARINT_BYTES = 10

Value = int | memoryview


def read_fields(content: memoryview) -> Iterator[tuple[int, Value]]:
    """Read the fields of a message in order.

    Args:
        content: Bytes of the message.

    Yields:
        Number of each field, and what it holds: a whole number, or bytes (of a message, a text, packed or fixed-size
        numbers).

    Raises:
        ValueError: If it is no message.
    """
    position = 0
    while position < len(content):
        tag, position = read_varint(content, position)
        kind = tag & 7
        if kind == _VARINT:
            number, position = read_varint(content, position)
            yield tag >> 3, number
            continue
        if kind == _BYTES:
            length, position = read_varint(content, position)
        elif kind in (_FIXED32, _FIXED64):
            length = 4 if kind == _FIXED32 else 8
        else:
            raise ValueError("a field has an unknown type")
        if length > len(content) - position:
            raise ValueError("a field is longer than its message")
        yield tag >> 3, content[position : position + length]
        position += length


def read_varint(content: memoryview, position: int) -> tuple[int, int]:
    """Read a whole number of variable length, without its sign; return it and the position behind it."""
    number = 0
    for shift, byte in enumerate(content[position : position + _MAX_VARINT_BYTES]):
        number |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            return number & 0xFFFF_FFFF_FFFF_FFFF, position + shift + 1
    raise ValueError("a number has no end")


def to_signed(number: int) -> int:
    """Convert a number of 64 bits to one with a sign."""
    return number - (1 << 64) if number >> 63 else number
