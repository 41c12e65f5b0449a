"""Show how single pictures are read: one strip for each, from the original to the answer."""

from collections.abc import Iterable, Iterator

from kerascnn.images.decoding import Picture
from kerascnn.inference.drawing import Drawings, draw_strip
from kerascnn.inference.predictor import Prediction, Predictor
from kerascnn.inference.sources import OnError, open_pictures


def predict_and_draw(
    sources: Iterable[Picture], predictor: Predictor, on_error: OnError, drawings: Drawings
) -> Iterator[tuple[str, Prediction]]:
    """Read pictures as `Predictor.predict_files` does, and write a strip for each into `drawings`.

    Raises:
        OutputError: If a strip cannot be written.
    """
    for name, picture in open_pictures(sources, on_error):
        prepared = predictor.prepare(picture)
        (prediction,) = predictor.predict_prepared([prepared])
        drawings.write(name, draw_strip(picture, prepared, prediction))
        yield name, prediction
