"""How much of the picture a value of each layer sees, traced back from the layer to the input.

The statistics of normalisations are left aside; they would make every field the whole picture.
"""

from collections.abc import Sequence

from kerascnn.summary.graph import Call
from kerascnn.summary.layers import MOVED, WHOLE, Facts, Slide, Stretch

Interval = tuple[int, int]

_PLACES_TO_TRY = 8
"""Behind an upsampling, neighbouring places see parts of different sizes; so many in a row are looked at."""


def receptive_fields(calls: Sequence[Call], facts: Sequence[Facts]) -> list[tuple[int, int] | str | None]:
    """The largest part of the picture that one value of each layer depends on.

    Args:
        calls: of the network, in the order of their computation.
        facts: of each call.

    Returns:
        For each call height and width in pixels, which may be larger than the picture; `"whole"` if a layer before it
        sees all of it; None if it cannot be said.
    """
    fields: list[tuple[int, int] | str | None] = []
    for index, (call, fact) in enumerate(zip(calls, facts, strict=True)):
        if fact.reach == WHOLE:
            fields.append(WHOLE)
        elif fact.reach == MOVED or len(fact.output_shape) != 3:
            fields.append(_largest([fields[source] for source in call.sources]) if call.sources else (1, 1))
        else:
            fields.append(_traced(index, calls, facts))
    return fields


def _largest(fields: Sequence[tuple[int, int] | str | None]) -> tuple[int, int] | str | None:
    if WHOLE in fields:
        return WHOLE
    if not fields or None in fields:
        return None
    return max(field[0] for field in fields), max(field[1] for field in fields)


def _traced(index: int, calls: Sequence[Call], facts: Sequence[Facts]) -> tuple[int, int] | str | None:
    before = _ancestors(index, calls)
    if any(facts[position].reach == WHOLE for position in before):
        return WHOLE
    if any(facts[position].reach == MOVED for position in before):
        return None
    stretched = any(isinstance(axis, Stretch) for position in before for axis in facts[position].reach)
    places = range(_PLACES_TO_TRY if stretched else 1)
    return tuple(max(_extent(index, before, calls, facts, axis, place) for place in places) for axis in (0, 1))


def _ancestors(index: int, calls: Sequence[Call]) -> list[int]:
    """The call and all that it depends on, the last first."""
    needed = {index}
    for position in range(index, -1, -1):
        if position in needed:
            needed.update(calls[position].sources)
    return sorted(needed, reverse=True)


def _extent(
    index: int, before: Sequence[int], calls: Sequence[Call], facts: Sequence[Facts], axis: int, place: int
) -> int:
    """Pixels of the input, along one axis, that a place of a layer depends on."""
    seen: dict[int, Interval] = {index: (place, place)}
    extent = 1
    for position in before:
        low, high = seen[position]
        if not calls[position].sources:
            extent = max(extent, high - low + 1)
        needed = _needed(facts[position].reach[axis], low, high)
        for source in calls[position].sources:
            others = seen.get(source, needed)
            seen[source] = (min(others[0], needed[0]), max(others[1], needed[1]))
    return extent


def _needed(reach: Slide | Stretch, low: int, high: int) -> Interval:
    """The places of a layer's input that an interval of its output depends on."""
    if isinstance(reach, Slide):
        return low * reach.stride - reach.padding, high * reach.stride - reach.padding + reach.extent - 1
    return -((reach.extent - 1 - low - reach.padding) // reach.stride), (high + reach.padding) // reach.stride
