"""PNG files that say who made them."""

import io
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

SOFTWARE = "kerascnn"
"""The text chunk `Software` of every PNG file that kerascnn draws."""


def encode_png(image: Image.Image, compress_level: int = 6) -> bytes:
    """Encode a picture as PNG, marked as made by kerascnn; `compress_level` is 0 to 9."""
    stream, text = io.BytesIO(), PngInfo()
    text.add_text("Software", SOFTWARE)
    image.save(stream, "PNG", compress_level=compress_level, pnginfo=text)
    return stream.getvalue()


def is_own_png(path: Path) -> bool:
    """Tell whether a file is a PNG that kerascnn drew. Only the beginning of the file is read."""
    try:
        with Image.open(path, formats=["PNG"]) as image:
            return image.info.get("Software") == SOFTWARE
    except Exception:  # Pillow raises almost anything on a damaged file.
        return False
