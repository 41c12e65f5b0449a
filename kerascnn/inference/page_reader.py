"""Read a whole page: every digit, line by line."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kerascnn.images.binarization import binarize_page
from kerascnn.images.broken_digits import Pair, is_one_digit, propose_pairs
from kerascnn.images.decoding import Picture
from kerascnn.images.glyphs import Glyph, find_glyphs, median_digit_height, merge_glyphs
from kerascnn.images.line_ordering import format_line, order_lines
from kerascnn.images.normalization import PreparedImage, normalize_glyph
from kerascnn.images.over_segmentation import Segment, find_best_path, find_pieces, propose_segments
from kerascnn.images.word_filter import find_word_glyphs
from kerascnn.inference.drawing import Drawings, draw_page
from kerascnn.inference.predictor import Prediction, Predictor, load
from kerascnn.inference.segmenters import Segmenter, load_segmenter
from kerascnn.inference.sources import OnError, open_picture, open_pictures
from kerascnn.utils.errors import ModelError

MIN_CONFIDENCE = 0.5
"""Lowest probability of a digit that is read, 0 to 1."""

_WIDEST_LETTER = 1.1  # against its height; an m and a w, which are wider, are recognised by their neighbours
_REJECTED = 1e-4  # probability of a segment that the recogniser rejects


@dataclass(frozen=True)
class Digit:
    """One digit on a page.

    Args:
        digit: Its value, 0 to 9.
        confidence: Its probability, 0 to 1.
        box: Left, top, width and height in pixels of the upright picture.
    """

    digit: int
    confidence: float
    box: tuple[int, int, int, int]

    def to_dict(self) -> dict[str, Any]:
        """Return the digit in plain types, for JSON."""
        return {"digit": self.digit, "confidence": round(self.confidence, 6), "box": list(self.box)}


@dataclass(frozen=True)
class Line:
    """One line of a page, from left to right.

    Args:
        text: The digits, with a space at gaps that are wide against the digits and the line's other gaps.
        digits: The digits from left to right.
    """

    text: str
    digits: tuple[Digit, ...]


@dataclass(frozen=True)
class Page:
    """The lines of a page from top to bottom."""

    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        """The text of all lines, separated by newlines."""
        return "\n".join(line.text for line in self.lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the page in plain types, for JSON."""
        lines = [{"text": line.text, "digits": [digit.to_dict() for digit in line.digits]} for line in self.lines]
        return {"lines": lines}


def read(
    picture: Picture,
    model: Predictor | str | Path | None = None,
    *,
    min_confidence: float = MIN_CONFIDENCE,
    segmenter: Segmenter | str | Path | None = None,
) -> Page:
    """Read every digit on a page.

    Args:
        picture: A path, `-` for standard input, encoded bytes, a binary file, a PIL image, or an array
            `(height, width)` or `(height, width, 3)`.
        model: A loaded model, a path, `"reference"`, or None for the same choice as `load` makes.
        min_confidence: Lowest probability of a digit that is kept, 0 to 1; 0.5 by default.
        segmenter: What separates digits from each other and from what else is on a page, as for `load_segmenter`;
            `"both"` by default.

    Returns:
        The page: its lines from top to bottom, each with its digits and their boxes.

    Raises:
        ImageError: If the picture cannot be read.
        ModelError: If the model or the segmenter cannot be loaded, or is of no use for that.

    Example:
        >>> kerascnn.read("page.jpg").lines[0].text
        '0123456789'
    """
    predictor = _load_reader(model)
    return _read_array(open_picture(picture), predictor, load_segmenter(segmenter), min_confidence)


def read_files(
    sources: Iterable[Picture],
    model: Predictor | str | Path | None,
    on_error: OnError,
    *,
    min_confidence: float = MIN_CONFIDENCE,
    segmenter: Segmenter | str | Path | None = None,
    drawings: Drawings | None = None,
) -> Iterator[tuple[str, Page]]:
    """Read any number of pages, one after the other; yield the name (the path as given, `-` for bytes) and the page.

    Args:
        sources: Pictures, each as for `read`; model, confidence and segmenter are as there.
        on_error: Called with the name of a picture that cannot be read, and the reason; the others go on.
        drawings: The files in which each picture is written with the digits found drawn on it; None for no drawings.

    Raises:
        ModelError: If the model or the segmenter cannot be loaded, or is of no use for that.
        OutputError: If a drawing cannot be written.
    """
    predictor, find_digits = _load_reader(model), load_segmenter(segmenter)
    for name, array in open_pictures(sources, on_error):
        page = _read_array(array, predictor, find_digits, min_confidence)
        if drawings is not None:
            digits = [digit for line in page.lines for digit in line.digits]
            marks = [(digit.box, str(digit.digit), digit.confidence) for digit in digits]
            drawings.write(name, draw_page(array, marks))
        yield name, page


def _load_reader(model: Predictor | str | Path | None) -> Predictor:
    predictor = model if isinstance(model, Predictor) else load(model)
    if not predictor.card.recognises_digits:
        raise ModelError(
            f"the model {predictor.card.name!r} tells {len(predictor.card.class_names)} classes apart; "
            "pages are read with a model of the ten digits, such as 'reference'."
        )
    return predictor


def _read_array(array: np.ndarray, predictor: Predictor, segmenter: Segmenter, min_confidence: float) -> Page:
    page = binarize_page(array)
    masks = segmenter(page)
    glyphs, fragments = find_glyphs(page.contrast, masks.digits)
    pieces = [] if masks.separated is None else find_glyphs(page.contrast, masks.separated)[0]
    digits = [
        Digit(prediction.digit, prediction.confidence, _scale_box(glyph, page.scale, array.shape))
        for glyph, prediction in _recognize(glyphs, fragments, pieces, predictor)
        if prediction.digit is not None and prediction.confidence >= min_confidence
    ]
    return Page(tuple(_make_line([digits[index] for index in line]) for line in order_lines([d.box for d in digits])))


def _recognize(
    glyphs: Sequence[Glyph], fragments: Sequence[Glyph], pieces: Sequence[Glyph], predictor: Predictor
) -> list[tuple[Glyph, Prediction]]:
    """Predict every digit of a page: cut where digits touch, merged where one is broken."""
    if not glyphs:
        return []
    digit_height = median_digit_height(glyphs)
    proposals = [propose_segments(glyph, digit_height, find_pieces(glyph, pieces)) for glyph in glyphs]
    pairs = propose_pairs(glyphs, fragments, digit_height)
    shown = [segment.glyph for segments in proposals for segment in segments] + [pair.glyph for pair in pairs]
    size = predictor.card.input_shape[:2]
    images = [PreparedImage(normalize_glyph(glyph, size), "glyph") for glyph in shown]
    predictions = iter(predictor.predict_prepared(images))
    answers = [_choose_cuts(segments, [next(predictions) for _ in segments]) for segments in proposals]
    answers += [[] for _ in fragments]
    _merge_pairs(answers, pairs, list(predictions))
    return _remove_words(answers)


def _remove_words(answers: Sequence[Sequence[tuple[Glyph, Prediction]]]) -> list[tuple[Glyph, Prediction]]:
    """Remove the answers that stand in words of letters, from one list of answers for each glyph."""
    answers = [answer for answer in answers if answer]
    wholes = [merge_glyphs([glyph for glyph, _ in answer]) for answer in answers]
    letters = [_is_letter(whole, answer) for whole, answer in zip(wholes, answers, strict=True)]
    drop = find_word_glyphs([(whole.left, whole.top, whole.width, whole.height) for whole in wholes], letters)
    return [item for answer, dropped in zip(answers, drop, strict=True) if not dropped for item in answer]


def _is_letter(whole: Glyph, answer: Sequence[tuple[Glyph, Prediction]]) -> bool:
    """Tell whether the answers to one glyph show a letter: it is rejected, or it is cut into ones, as an m is.

    A wide glyph that is rejected may be several digits that touch, which proves nothing.
    """
    digits = [prediction.digit for _, prediction in answer]
    if len(digits) == 1:
        return digits[0] is None and whole.width <= _WIDEST_LETTER * whole.height
    return set(digits) == {1}


def _choose_cuts(segments: Sequence[Segment], predictions: Sequence[Prediction]) -> list[tuple[Glyph, Prediction]]:
    scores = [float(np.log(_probability(prediction))) for prediction in predictions]
    path = find_best_path(segments, [prediction.digit for prediction in predictions], scores)
    return [(segments[index].glyph, predictions[index]) for index in path]


def _merge_pairs(
    answers: list[list[tuple[Glyph, Prediction]]], pairs: Sequence[Pair], predictions: Sequence[Prediction]
) -> None:
    """Replace the parts of a broken digit by the whole, the most probable first."""
    surest_first = sorted(zip(pairs, predictions, strict=True), key=lambda item: -_probability(item[1]))
    settled: set[int] = {index for index, answer in enumerate(answers) if len(answer) > 1}
    for pair, prediction in surest_first:
        if pair.first in settled or pair.second in settled:
            continue
        apart = [_probability(answer) for _, answer in answers[pair.first] + answers[pair.second]]
        if is_one_digit(_probability(prediction), apart):
            answers[pair.first], answers[pair.second] = [(pair.glyph, prediction)], []
            settled |= {pair.first, pair.second}


def _probability(prediction: Prediction) -> float:
    return max(prediction.confidence, 1e-6) if prediction.digit is not None else _REJECTED


def _scale_box(glyph: Glyph, scale: float, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Return left, top, width and height of a glyph in pixels of the picture, whose shape is given."""
    left, top = int(glyph.left / scale), int(glyph.top / scale)
    right = min(shape[1], int(np.ceil(glyph.right / scale)))
    bottom = min(shape[0], int(np.ceil(glyph.bottom / scale)))
    return left, top, max(1, right - left), max(1, bottom - top)


def _make_line(digits: Sequence[Digit]) -> Line:
    return Line(format_line([str(item.digit) for item in digits], [item.box for item in digits]), tuple(digits))
