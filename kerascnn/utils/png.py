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


def is_own_png(path: Path, title: str | None = None) -> bool:
    """Tell whether a file is a PNG that kerascnn drew, of a title if one is given; its beginning tells."""
    try:
        with Image.open(path, formats=["PNG"]) as image:
            return image.info.get("Software") == SOFTWARE and title in (None, image.info.get("Title"))
    except Exception:  # Pillow raises almost anything on a damaged file.
        return False
