"""Simulation of paper: colour and fibres, printed lines, writing that shows through from the back."""

from collections.abc import Sequence

import cv2
import numpy as np

_LINE_COLOURS = ((0.45, 0.6, 0.8), (0.55, 0.55, 0.6), (0.3, 0.35, 0.45), (0.8, 0.5, 0.5))


def make_paper(shape: tuple[int, int], colour: Sequence[float], generator: np.random.Generator) -> np.ndarray:
    """Make an empty sheet: float32, `(height, width, 3)`, RGB, 0..1."""
    fibres = cv2.GaussianBlur(generator.normal(0, 1, shape).astype(np.float32), (0, 0), 1.5)
    clouds = cv2.resize(generator.normal(0, 1, (6, 6)).astype(np.float32), shape[::-1], interpolation=cv2.INTER_CUBIC)
    light = 1 + 0.02 * fibres / max(float(fibres.std()), 1e-6) * 0.5 + 0.008 * clouds
    return np.clip(np.asarray(colour, np.float32) * light[..., None], 0, 1).astype(np.float32)


def print_lines(
    page: np.ndarray, kind: str, middles: Sequence[float], height: float, generator: np.random.Generator
) -> np.ndarray:
    """Print lines on a sheet.

    Args:
        page: float32, `(height, width, 3)`, RGB, 0..1.
        kind: Kind of lines: `""`, `"ruled"`, `"squared"` or `"table"`.
        middles: Vertical centre of each line of digits in pixels.
        height: Height of a digit in pixels.
        generator: Source of all randomness.
    """
    if not kind:
        return page
    cover = np.zeros(page.shape[:2], np.float32)
    thickness = max(1.2, height * generator.uniform(0.018, 0.035))
    if kind == "ruled":
        pitch = float(np.mean(np.diff(middles))) if len(middles) > 1 else 1.4 * height
        offset = middles[0] + height * generator.uniform(0.42, 0.6)
        _draw_rows(cover, offset % pitch, pitch, thickness)
    elif kind == "squared":
        pitch = height * generator.uniform(0.35, 0.7)
        _draw_rows(cover, generator.uniform(0, pitch), pitch, thickness)
        _draw_rows(cover.T, generator.uniform(0, pitch), pitch, thickness)
    else:
        _draw_table(cover, middles, height, thickness)
    bend = generator.uniform(-0.006, 0.006) * page.shape[0]
    cover = _bend(cover, bend)
    dark = kind == "table" and generator.random() < 0.5
    colour = (0.15, 0.15, 0.15) if dark else _LINE_COLOURS[generator.integers(len(_LINE_COLOURS))]
    cover = (generator.uniform(0.5, 0.95) * cover)[..., None]
    printed: np.ndarray = page * (1 - cover) + np.asarray(colour, np.float32) * cover
    return printed


def add_show_through(page: np.ndarray, ink: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Let writing on the back of the sheet show through: mirrored, blurred and faint."""
    shift = (int(generator.integers(-40, 41)), int(generator.integers(-40, 41)))
    back = np.roll(cv2.GaussianBlur(np.ascontiguousarray(ink[:, ::-1]), (0, 0), 2.5), shift, axis=(0, 1))
    result: np.ndarray = page * (1 - generator.uniform(0.08, 0.16) * back[..., None])
    return result


def _draw_rows(cover: np.ndarray, offset: float, pitch: float, thickness: float) -> None:
    rows = np.arange(cover.shape[0], dtype=np.float32)[:, None]
    distance = np.abs((rows - offset + pitch / 2) % pitch - pitch / 2)
    np.maximum(cover, np.clip(thickness / 2 - distance + 0.5, 0, 1), out=cover)


def _draw_table(cover: np.ndarray, middles: Sequence[float], height: float, thickness: float) -> None:
    """Draw the borders between the rows and columns of a table."""
    pitch = float(np.mean(np.diff(middles))) if len(middles) > 1 else 1.8 * height
    margin = 0.9 * height
    columns = max(1, round((cover.shape[1] - 2 * margin - 0.3 * height) / pitch))
    top, bottom = middles[0] - pitch / 2, middles[-1] + pitch / 2
    left, right = margin, margin + columns * pitch
    inside = np.zeros_like(cover)
    _draw_rows(inside, top % pitch, pitch, thickness)
    _draw_rows(inside.T, left % pitch, pitch, thickness)
    half = thickness / 2 + 1
    window = np.s_[round(top - half) : round(bottom + half), round(left - half) : round(right + half)]
    cover[window] = inside[window]


def _bend(cover: np.ndarray, bend: float) -> np.ndarray:
    """Bend rows by up to `bend` pixels, because paper is seldom flat."""
    height, width = cover.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    return cv2.remap(cover, x, y + bend * np.sin(np.pi * x / width), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
