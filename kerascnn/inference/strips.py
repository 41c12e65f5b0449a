"""Show how single pictures were read: one strip a picture, from the original to the answer."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from kerascnn.images.normalization import is_prepared
from kerascnn.images.preparations import PREPARATIONS
from kerascnn.images.single_glyph import find_single_glyph
from kerascnn.inference.drawing import Drawings, draw_strip
from kerascnn.inference.predictor import Prediction, Predictor
from kerascnn.inference.sources import decoded
from kerascnn.utils.errors import ImageError


def predict_and_draw(
    sources: Iterable[str | Path | bytes],
    predictor: Predictor,
    on_error: Callable[[str, ImageError], None],
    drawings: Drawings,
) -> Iterator[tuple[str, Prediction]]:
    """Read pictures as `Predictor.predict_files` does, and write a strip for each.

    Args:
        sources: paths, or the encoded bytes of a picture.
        predictor: the model.
        on_error: called with the name of a picture that cannot be read, and why; the others go on.
        drawings: The files of the strips, one for each source.

    Yields:
        Name (the path as given, `-` for bytes) and prediction, in the order of the sources.

    Raises:
        OutputError: if a strip cannot be written.
    """
    size = predictor.card.input_shape[:2]
    for name, picture in decoded(sources, on_error):
        seen = PREPARATIONS[predictor.card.preparation](picture, size)
        prediction = predictor.predict_prepared(seen[None])[0]
        looked_for_ink = predictor.card.preparation == "mnist" and not is_prepared(picture, size)
        ink = find_single_glyph(picture) if looked_for_ink else None
        confidence = None if prediction.label is None else prediction.confidence
        answer = prediction.label or prediction.reason or "no answer"
        drawings.write(name, draw_strip(picture, ink, seen, answer, confidence))
        yield name, prediction
