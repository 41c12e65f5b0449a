"""What else is on a filled-in form: struck-out numbers, signatures, crosses, stamps and punched holes."""

import numpy as np
from PIL import Image, ImageDraw

from kerascnn.datasets.synthetic.documents.hands import Hand
from kerascnn.datasets.synthetic.documents.paper_form import Area, Colour, PaperForm
from kerascnn.datasets.synthetic.documents.printing import load_font

_STAMPED = ("RECEIVED", "CHECKED", "PAID", "COPY", "ENTERED", "APPROVED")
_OFFICES = ("Registry Office", "Town Hall", "Examination Board", "Water Supply", "Accounts")
_STAMP_INKS: tuple[Colour, ...] = ((0.75, 0.12, 0.15), (0.15, 0.2, 0.6), (0.35, 0.15, 0.5), (0.1, 0.4, 0.25))
_HOLE_DIAMETER, _HOLE_DISTANCE, _HOLE_MARGIN = 6.0, 80.0, 12.0  # millimetres; ISO 838
_SMOOTH = 4  # pixels drawn for one of the picture, each way


def strike_out(form: PaperForm, area: Area, hand: Hand, generator: np.random.Generator) -> None:
    """Strike a number out: with one line, with two, with a cross or with a zigzag."""
    left, top, across, down = area
    left, across = left - 0.8, across + 1.6

    def stroke(*heights: float) -> None:
        x = np.linspace(left, left + across, len(heights))
        y = top + down * (np.asarray(heights) + generator.normal(0, 0.05, len(heights)))
        _draw_path(form, np.stack([x, y], axis=1), hand.pen_width)

    kind = generator.integers(4)
    if kind == 0:
        stroke(0.55, 0.5, 0.48, 0.45)
    elif kind == 1:
        stroke(0.4, 0.36, 0.35)
        stroke(0.66, 0.62, 0.6)
    elif kind == 2:
        stroke(0.05, 0.5, 0.95)
        stroke(0.95, 0.5, 0.05)
    else:
        stroke(*(0.1 if number % 2 else 0.9 for number in range(max(4, 2 * round(across / 2.2)))))


def sign(form: PaperForm, area: Area, hand: Hand, generator: np.random.Generator) -> None:
    """Write a signature: a curve without letters that runs through an area."""
    left, top, across, down = area
    time = np.linspace(0, 1, 160)
    loops = generator.uniform(5, 9)
    decay = 0.35 + 0.65 * (1 - time) ** 1.5
    uneven = time + 0.04 * np.sin(2 * np.pi * generator.uniform(1, 3) * time + generator.uniform(0, 6))
    phase = 2 * np.pi * (loops * uneven + generator.uniform(0, 1))
    swing = 1 + 0.5 * np.sin(2 * np.pi * generator.uniform(1.5, 3) * time + generator.uniform(0, 6))
    x = left + across * (0.08 + 0.8 * time) + 0.06 * across * np.cos(phase)
    y = top + down * (0.55 - 0.38 * decay * swing * np.sin(phase))
    _draw_path(form, np.stack([x, y], axis=1), hand.pen_width)


def cross(form: PaperForm, box: Area, hand: Hand, generator: np.random.Generator) -> None:
    """Put a cross into a box."""
    left, top, across, down = box
    ends = np.array([[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9]]) + generator.normal(0, 0.08, (4, 2))
    points = ends * (across, down) + (left, top)
    _draw_path(form, points[:2], hand.pen_width)
    _draw_path(form, points[2:], hand.pen_width)


def stamp(form: PaperForm, middle: tuple[float, float], generator: np.random.Generator) -> None:
    """Stamp a sheet with a word in a frame, turned, and not everywhere as full of ink; the middle is in millimetres."""
    size = round(58 * form.dots)
    canvas = Image.new("L", (size, size), 0)
    draw = ImageDraw.Draw(canvas)
    unit = form.dots
    word, office = (str(generator.choice(words)) for words in (_STAMPED, _OFFICES))
    thick = max(1, round(0.7 * unit))
    large, small = (load_font("DejaVuSans-Bold", max(6, round(height * unit))) for height in (5.5, 2.8))
    width = max(draw.textlength(word, large), draw.textlength(office, small)) + 5 * unit
    half, tall = width / 2, (size / 2 if generator.random() < 0.4 else 8 * unit)
    if tall > 8 * unit:
        radius = min(max(half, 12 * unit), size / 2 - thick)
        edges = (size / 2 - radius, size / 2 - radius, size / 2 + radius, size / 2 + radius)
        draw.ellipse(edges, outline=255, width=thick)
    else:
        draw.rectangle((size / 2 - half, size / 2 - tall, size / 2 + half, size / 2 + tall), outline=255, width=thick)
    draw.text((size / 2, size / 2 - 1.5 * unit), word, fill=255, font=large, anchor="mm")
    draw.text((size / 2, size / 2 + 4.5 * unit), office, fill=255, font=small, anchor="mm")
    turned = canvas.rotate(generator.uniform(-25, 25), Image.Resampling.BICUBIC)
    coarse = Image.fromarray(generator.integers(90, 256, (7, 7), np.uint8)).resize(
        turned.size, Image.Resampling.BICUBIC
    )
    cover = np.zeros(form.shape, np.float32)
    strength = generator.uniform(0.6, 0.85)
    ink = np.asarray(turned, np.float32) / 255 * np.asarray(coarse, np.float32) / 255 * strength
    _place(cover, ink, middle[0] * unit - size / 2, middle[1] * unit - size / 2)
    form.stamps.append((_STAMP_INKS[generator.integers(len(_STAMP_INKS))], cover))


def punch(form: PaperForm, generator: np.random.Generator) -> None:
    """Punch two holes beside the left edge."""
    height, width = form.shape
    middle = height / 2 + generator.normal(0, 3) * form.dots
    y, x = np.ogrid[:height, :width]
    form.holes = np.zeros(form.shape, np.float32)
    for side in (-1, 1):
        row = middle + side * _HOLE_DISTANCE / 2 * form.dots
        distance = np.hypot(y - row, x - _HOLE_MARGIN * form.dots)
        np.maximum(form.holes, np.clip(_HOLE_DIAMETER / 2 * form.dots - distance + 0.5, 0, 1), out=form.holes)


def _draw_path(form: PaperForm, points: np.ndarray, width: float) -> None:
    """Draw a stroke of the pen through points in millimetres, `(n, 2)`."""
    pixels = points * form.dots
    low = np.floor(pixels.min(axis=0) - width * form.dots - 2)
    size = np.ceil(pixels.max(axis=0) + width * form.dots + 2 - low).astype(int)
    canvas = Image.new("L", (int(size[0]) * _SMOOTH, int(size[1]) * _SMOOTH), 0)
    path = [(float(x), float(y)) for x, y in (pixels - low) * _SMOOTH]
    thick = max(1, round(width * form.dots * _SMOOTH))
    ImageDraw.Draw(canvas).line(path, fill=255, width=thick, joint="curve")
    part = np.asarray(canvas.resize((int(size[0]), int(size[1])), Image.Resampling.BOX), np.float32) / 255
    _place(form.writing.ink, 0.95 * part, low[0], low[1])


def _place(layer: np.ndarray, part: np.ndarray, left: float, top: float) -> None:
    """Lay a part over a layer; what stands out over its edges is cut off."""
    x, y = round(left), round(top)
    part = part[max(0, -y) :, max(0, -x) :]
    window = layer[max(0, y) : max(0, y) + part.shape[0], max(0, x) : max(0, x) + part.shape[1]]
    np.maximum(window, part[: window.shape[0], : window.shape[1]], out=window)
