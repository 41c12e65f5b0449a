"""A summary as plain text: one row a layer, with its arithmetic below."""

import textwrap
from collections.abc import Sequence

from kerascnn.summary import FullyConnected, LayerSummary, Summary
from kerascnn.summary.layers import WHOLE, format_shape
from kerascnn.summary.receptive_field import Field
from kerascnn.utils.names import show_hidden

_HEADERS = (
    ("layer", ""),
    ("output", "shape"),
    ("weights", "and biases"),
    ("multiply-", "adds"),
    ("receptive", "field"),
    ("memory of", "activations"),
)
_INDENT = "    "
_NARROWEST_NAME = 16
_BATCH_SIZE = 128


def format_summary(summary: Summary, width: int = 80) -> str:
    """Lay a summary out as a table, for a terminal of `width` characters; longer arithmetic is wrapped.

    Where the table does not fit, every cell has a line of its own.
    """
    cells = [_format_cells(layer) for layer in summary.layers]
    totals = ("total", "", f"{summary.num_parameters:,}", f"{summary.num_multiply_adds:,}", "",
              _format_bytes(summary.activation_bytes))  # fmt: skip
    widths = _column_widths([*cells, totals], width)
    size, name = _total_width(widths), show_hidden(summary.name)
    rule = "-" * min(size, width)
    headers = [_align([header[index] for header in _HEADERS], widths) for index in (0, 1)]
    lines = [
        *_fill(f"{name}: what it makes of one picture of {format_shape(*summary.input_shape)}", width),
        "output size = (N - F + 2P) / S + 1",
        *_fill("(N: size of the input, F: size of the filter, S: stride, P: padding)", width),
        "",
        *(headers if size <= width else []),
        rule,
    ]
    for layer, row in zip(summary.layers, cells, strict=True):
        lines += [*_format_row(row, widths, width), *_format_arithmetic(layer, width)]
    lines += [rule, *_format_row(totals, widths, width)]
    if summary.num_trainable != summary.num_parameters:
        frozen = summary.num_parameters - summary.num_trainable
        text = f"{summary.num_trainable:,} of the weights and biases are trained, {frozen:,} are not"
        lines += _fill(text, width)
    batch = _format_bytes(summary.activation_bytes * _BATCH_SIZE)
    lines += _fill(f"Training keeps all activations: {batch} for a batch of {_BATCH_SIZE} pictures.", width)
    if summary.fully_connected:
        lines += ["", *_compare(summary, summary.fully_connected, width)]
    return "\n".join(lines)


def _format_cells(layer: LayerSummary) -> tuple[str, ...]:
    return (
        show_hidden(layer.name),
        format_shape(*layer.output_shape),
        f"{layer.parameters.value:,}",
        f"{layer.multiply_adds.value:,}",
        _format_field(layer.receptive_field),
        _format_bytes(layer.activation_bytes),
    )


def _column_widths(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    widths = [
        max(*(len(row[index]) for row in rows), *(len(part) for part in header))
        for index, header in enumerate(_HEADERS)
    ]
    room = width - sum(widths[1:]) - 2 * (len(widths) - 1)
    widths[0] = max(_NARROWEST_NAME, min(widths[0], room))
    return widths


def _total_width(widths: Sequence[int]) -> int:
    return sum(widths) + 2 * (len(widths) - 1)


def _format_row(cells: Sequence[str], widths: Sequence[int], width: int) -> list[str]:
    name = cells[0]
    if _total_width(widths) > width:
        named = zip(_HEADERS[1:], cells[1:], strict=True)
        return [name, *(f"{_INDENT}{_join_header(header)}: {cell}" for header, cell in named if cell)]
    # A name that is too long for its column takes a line of its own.
    return [name, _align(("", *cells[1:]), widths)] if len(name) > widths[0] else [_align(cells, widths)]


def _join_header(header: tuple[str, str]) -> str:
    return " ".join(header).replace("- ", "-")


def _format_arithmetic(layer: LayerSummary, width: int) -> list[str]:
    what = f"{layer.class_name}{_format_sources(layer)}"
    statements = [": ".join((what, *layer.shape_text))] if len(layer.shape_text) < 2 else [what, *layer.shape_text]
    if layer.parameters.expression:
        statements.append(f"weights and biases: {layer.parameters.text}")
    if layer.multiply_adds.expression:
        statements.append(f"multiply-adds: {layer.multiply_adds.text}")
    return [line for statement in statements for line in _wrap(statement, width)]


def _format_sources(layer: LayerSummary) -> str:
    names = dict.fromkeys(map(show_hidden, layer.inputs))
    return f" of {', '.join(names)}" if len(names) > 1 else ""


def _wrap(statement: str, width: int) -> list[str]:
    """Break a long statement after its last colon, to keep the calculation whole, else between words."""
    if len(_INDENT + statement) <= width:
        return [_INDENT + statement]
    before, colon, after = statement.rpartition(": ")
    if colon and len(_INDENT * 2 + after) <= width:
        return [*_wrap(f"{before}:", width), f"{_INDENT * 2}{after}"]
    return _fill(statement, width, _INDENT, _INDENT * 2)


def _fill(text: str, width: int, first: str = "", others: str = "") -> list[str]:
    """Break a text between words; a calculation without spaces stays whole."""
    return textwrap.wrap(text, width, initial_indent=first, subsequent_indent=others, break_long_words=False)


def _align(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = cells
    rest = (cell.rjust(size) for cell, size in zip(others, widths[1:], strict=True))
    return "  ".join((first.ljust(widths[0]), *rest)).rstrip()


def _format_field(field: Field) -> str:
    if isinstance(field, tuple):
        return format_shape(*field)
    return "all" if field == WHOLE else "-"


def _format_bytes(num_bytes: int) -> str:
    for unit, size in (("MiB", 2**20), ("KiB", 2**10)):
        if num_bytes >= size:
            return f"{num_bytes / size:,.1f} {unit}"
    return f"{num_bytes} B"


def _compare(summary: Summary, other: FullyConnected, width: int) -> list[str]:
    """Compare with the same classification by a fully connected network."""
    first = other.first_layer
    asked = first["fully_connected_parameters"]
    rows = [
        ("", "this network", "fully connected"),
        ("first layer: weights of one unit", f"{first['weights_of_one_unit']:,}", f"{other.one_unit.value:,}"),
        (f"first layer of {first['outputs']:,} outputs", f"{first['parameters']:,}", f"{asked['value']:,}"),
        ("weights and biases in all", f"{summary.num_parameters:,}", f"{other.parameters.value:,}"),
        ("multiply-adds in all", f"{summary.num_multiply_adds:,}", f"{other.multiply_adds.value:,}"),
    ]
    widths = [max(len(row[index]) for row in rows) for index in range(3)]
    statements = [
        f"one unit sees every value of the picture: {other.one_unit.text}",
        f"with as many outputs as {first['name']}: {asked['expression']} = {asked['value']:,}",
        f"in all, with {other.num_units} hidden units: {other.parameters.text}",
    ]
    return [
        *_fill("The same classification by a fully connected network", width),
        *(line for row in rows for line in _format_comparison(row, rows[0], widths, width)),
        *(line for statement in statements for line in _wrap(statement, width)),
    ]


def _format_comparison(row: Sequence[str], headings: Sequence[str], widths: Sequence[int], width: int) -> Sequence[str]:
    if _total_width(widths) <= width:
        return [_align(row, widths)]
    if row is headings:
        return []
    cells = (f"{_INDENT}{heading}: {cell}" for heading, cell in zip(headings[1:], row[1:], strict=True))
    return [row[0], *cells]
