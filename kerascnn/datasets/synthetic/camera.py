"""Simulation of a camera: perspective, surroundings, illumination, blur, noise and compression."""

from collections.abc import Sequence

import cv2
import numpy as np


def transform_page(
    page: np.ndarray, effects: Sequence[str], generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Show the page in perspective, or with a table around it, where `effects` names `"perspective"` or `"surround"`.

    Returns:
        The picture, float32 `(height, width, 3)` like the page, and the (3, 3) matrix of the perspective transform.
    """
    height, width = page.shape[:2]
    if "perspective" not in effects and "surround" not in effects:
        return page, np.eye(3)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    target: np.ndarray = corners
    size = (width, height)
    if "perspective" in effects:
        inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
        target = corners + generator.uniform(0, 0.05, (4, 2)) * [width, height] * inwards
    if "surround" in effects:
        border = generator.uniform(0.06, 0.2, 2) * [width, height]
        turn = np.deg2rad(generator.uniform(-3, 3))
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        middle = np.array([width, height]) / 2
        target = (corners - middle) @ rotation.T + middle + border
        size = (round(width + 2 * border[0]), round(height + 2 * border[1]))
    matrix = cv2.getPerspectiveTransform(corners, target.astype(np.float32))
    inside = cv2.warpPerspective(np.ones((height, width), np.float32), matrix, size)[..., None]
    warped = cv2.warpPerspective(page, matrix, size, flags=cv2.INTER_LINEAR)
    around = _draw_table(size, generator) if "surround" in effects else page[:3].mean(axis=(0, 1))
    return (warped + around * (1 - inside)).astype(np.float32), matrix


def transform_box(box: Sequence[float], matrix: np.ndarray) -> tuple[int, int, int, int]:
    """Transform a box in perspective; return its bounding box in whole pixels: left, top, width, height."""
    left, top, width, height = box
    corners = np.array([[left, top], [left + width, top], [left + width, top + height], [left, top + height]])
    moved = cv2.perspectiveTransform(corners[None].astype(np.float64), matrix)[0]
    low, high = np.floor(moved.min(axis=0)), np.ceil(moved.max(axis=0))
    return int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])


def transform_instances(instances: np.ndarray, matrix: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Transform an instance map, uint16 `(height, width)`, in perspective; `shape` is that of the picture."""
    if np.array_equal(matrix, np.eye(3)):
        return instances
    moved: np.ndarray = cv2.warpPerspective(instances, matrix, shape[::-1], flags=cv2.INTER_NEAREST)
    return moved


def illuminate(picture: np.ndarray, effects: Sequence[str], generator: np.random.Generator) -> np.ndarray:
    """Illuminate a picture, float32 `(height, width, 3)`, by `"shadow"`, `"gradient"` and `"vignette"`."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    light: np.ndarray = np.full((height, width), generator.uniform(0.85, 1.0), np.float32)
    if "gradient" in effects:
        angle = generator.uniform(0, 2 * np.pi)
        light *= 1 - 0.22 * (1 + (x * np.cos(angle) + y * np.sin(angle)) / 1.4)
    if "vignette" in effects:
        light *= 1 - generator.uniform(0.3, 0.6) * np.clip((x**2 + y**2) / 2, 0, 1) ** 1.2
    if "shadow" in effects:
        light *= _shadow(x, y, generator)
    tint = 1 + generator.uniform(-0.05, 0.05, 3).astype(np.float32)
    lit: np.ndarray = picture * light[..., None] * tint
    return lit


def expose(picture: np.ndarray, blur: float, grain: float, quality: int, generator: np.random.Generator) -> np.ndarray:
    """Blur a picture, add noise and compress it as JPEG; the result is uint8, `(height, width, 3)`, RGB.

    Args:
        picture: float32, `(height, width, 3)`, RGB, 0..1.
        blur: Standard deviation of the blur in pixels.
        grain: Standard deviation of the noise, 0..1.
        quality: Quality of the JPEG compression, 1..100; 0 for no compression.
        generator: Source of all randomness.
    """
    picture = cv2.GaussianBlur(picture, (0, 0), blur) if blur else picture
    picture = picture + generator.normal(0, grain, picture.shape).astype(np.float32)
    picture = np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    if not quality:
        return picture
    _, encoded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR))[..., ::-1])


def _shadow(x: np.ndarray, y: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Draw the shadow of a hand or a telephone, as factors on the light: half a plane with a soft, uneven edge."""
    angle, place = generator.uniform(0, 2 * np.pi), generator.uniform(-0.4, 0.4)
    waves = 0.12 * np.sin(3 * x + generator.uniform(0, 6)) * np.sin(2 * y + generator.uniform(0, 6))
    depth = (x * np.cos(angle) + y * np.sin(angle) - place + waves) / generator.uniform(0.04, 0.2)
    factors: np.ndarray = 1 - generator.uniform(0.35, 0.6) / (1 + np.exp(-depth))
    return factors


def _draw_table(size: tuple[int, int], generator: np.random.Generator) -> np.ndarray:
    """Draw a dark table with a grain along one direction: float32, `(height, width, 3)`, RGB, 0..1."""
    width, height = size
    noise = generator.normal(0, 1, (height, width)).astype(np.float32)
    streaks: np.ndarray = cv2.GaussianBlur(noise, (0, 0), sigmaX=40, sigmaY=1.5)
    streaks = streaks / max(float(streaks.std()), 1e-6)
    colour = np.array(((0.3, 0.2, 0.13), (0.15, 0.15, 0.16), (0.35, 0.27, 0.2))[generator.integers(3)], np.float32)
    return np.clip(colour * (1 + 0.15 * streaks[..., None]), 0, 1)
