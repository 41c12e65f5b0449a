"""Receptive fields, traced back from each layer to the input.

The statistics of normalizations are left aside; they would make every receptive field the whole picture.
"""

from collections.abc import Mapping, Sequence

from kerascnn.summary.graph import Call
from kerascnn.summary.layers import MOVED, WHOLE, LayerAnalysis, Slide, Stretch

Interval = tuple[int, int]
Field = tuple[int, int] | str | None

_PLACES_TO_TRY = 8
"""Number of neighbouring places that are tried after an upsampling, where their fields differ in size."""


def compute_receptive_fields(calls: Sequence[Call], analyses: Sequence[LayerAnalysis]) -> list[Field]:
    """Compute the largest part of the picture that one value of each layer depends on.

    Returns:
        For each call height and width in pixels, which may be larger than the picture; `"whole"` if it depends on all
        of the picture; None if it is not known.
    """
    fields: list[Field] = []
    for index, (call, analysis) in enumerate(zip(calls, analyses, strict=True)):
        if analysis.reach == WHOLE:
            fields.append(WHOLE)
        elif analysis.reach == MOVED or len(analysis.output_shape) != 3:
            fields.append(_largest([fields[source] for source in call.sources]) if call.sources else (1, 1))
        else:
            fields.append(_trace(index, calls, analyses))
    return fields


def _largest(fields: Sequence[Field]) -> Field:
    if WHOLE in fields:
        return WHOLE
    sizes = [field for field in fields if isinstance(field, tuple)]
    if len(sizes) < len(fields):
        return None
    return max(height for height, _ in sizes), max(width for _, width in sizes)


def _trace(index: int, calls: Sequence[Call], analyses: Sequence[LayerAnalysis]) -> Field:
    before = _find_ancestors(index, calls)
    if any(analyses[position].reach == WHOLE for position in before):
        return WHOLE
    reaches = {position: reach for position in before if isinstance(reach := analyses[position].reach, tuple)}
    if len(reaches) < len(before):
        return None
    stretched = any(isinstance(axis, Stretch) for reach in reaches.values() for axis in reach)
    places = range(_PLACES_TO_TRY if stretched else 1)
    axes = [{position: reach[axis] for position, reach in reaches.items()} for axis in (0, 1)]
    height, width = (max(_measure(calls, axis, place) for place in places) for axis in axes)
    return height, width


def _find_ancestors(index: int, calls: Sequence[Call]) -> list[int]:
    """Find the positions of a call and of all that it depends on, the last first."""
    needed = {index}
    for position in range(index, -1, -1):
        if position in needed:
            needed.update(calls[position].sources)
    return sorted(needed, reverse=True)


def _measure(calls: Sequence[Call], reaches: Mapping[int, Slide | Stretch], place: int) -> int:
    """Count the pixels, along one axis, that a place of a layer depends on; `reaches` begins with this layer."""
    seen: dict[int, Interval] = {next(iter(reaches)): (place, place)}
    extent = 1
    for position, reach in reaches.items():
        low, high = seen[position]
        if not calls[position].sources:
            extent = max(extent, high - low + 1)
        needed = _find_inputs(reach, low, high)
        for source in calls[position].sources:
            others = seen.get(source, needed)
            seen[source] = (min(others[0], needed[0]), max(others[1], needed[1]))
    return extent


def _find_inputs(reach: Slide | Stretch, low: int, high: int) -> Interval:
    """Find the places of a layer's input that an interval of its output depends on."""
    if isinstance(reach, Slide):
        return low * reach.stride - reach.padding, high * reach.stride - reach.padding + reach.extent - 1
    return -((reach.extent - 1 - low - reach.padding) // reach.stride), (high + reach.padding) // reach.stride
