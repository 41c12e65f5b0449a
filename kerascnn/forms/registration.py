"""Register the picture of a filled-in form to the picture of the blank one.

Source: D. Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 2004; D. Barath et al., "MAGSAC++, a
fast, reliable and accurate robust estimator", CVPR 2020; both as OpenCV has them.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from kerascnn.images.binarization import binarize_page
from kerascnn.utils.errors import ImageError

_SIDE = 1400  # pixels of the longer side on which features are found
_MOST_FEATURES = 6000
_RATIO = 0.8  # of the distances to the nearest and the next feature, as Lowe has it
_LARGEST_ERROR = 3.0  # pixels of that grid
_FEWEST_MATCHES = 8  # twice what a homography is made of
_NEAR = 5  # pixels, within which a line is found again


@dataclass(frozen=True, eq=False)
class BlankForm:
    """The picture of a blank form, prepared to find it again in pictures of filled-in ones.

    Args:
        shape: Height and width of the picture.
        scale: Pixels of the grid of the features for one of the picture.
        points: Places of the features on the grid, float32, `(n, 2)`.
        descriptors: What they look like, float32, `(n, 128)`.
        printed: bool, on the grid: what is printed.
    """

    shape: tuple[int, int]
    scale: float
    points: np.ndarray
    descriptors: np.ndarray
    printed: np.ndarray

    @classmethod
    def from_picture(cls, picture: np.ndarray, name: str) -> "BlankForm":
        """Prepare a blank form.

        Args:
            picture: uint8, `(height, width)` or `(height, width, 3)`.
            name: What it is called, for messages.

        Raises:
            ImageError: If too little is printed on it to find it again.
        """
        small, scale = _shrink(picture)
        points, descriptors = _find_features(small)
        if len(points) < _FEWEST_MATCHES:
            raise ImageError(
                f"{name}: too little is printed on this blank form to find it again; give one with text or boxes."
            )
        printed = _find_ink(small)
        return cls((picture.shape[0], picture.shape[1]), scale, points, descriptors, printed)

    def register(self, picture: np.ndarray, name: str) -> np.ndarray:
        """Find the form in a picture.

        Args:
            picture: uint8, `(height, width)` or `(height, width, 3)`.
            name: What it is called, for messages.

        Returns:
            The homography that takes places on the picture to places on the blank form, float64, `(3, 3)`.

        Raises:
            ImageError: If the form is not found in it.
        """
        small, scale = _shrink(picture)
        found = self._match(*_find_features(small))
        if found is None or self._measure_agreement(small, found) < 0.5:
            raise ImageError(
                f"{name} does not look like the blank form of the template; give a whole picture of such a form, "
                "or the template of this one."
            )
        own, other = np.diag([self.scale, self.scale, 1.0]), np.diag([scale, scale, 1.0])
        return np.asarray(np.linalg.inv(own) @ found @ other)

    def _match(self, points: np.ndarray, descriptors: np.ndarray) -> np.ndarray | None:
        """Find the homography from a grid of features to this one; None if too few features agree on one."""
        if len(points) < _FEWEST_MATCHES:
            return None
        pairs = cv2.BFMatcher().knnMatch(descriptors, self.descriptors, k=2)
        good = [first for first, second in pairs if first.distance < _RATIO * second.distance]
        if len(good) < _FEWEST_MATCHES:
            return None
        here = np.array([points[match.queryIdx] for match in good])
        there = np.array([self.points[match.trainIdx] for match in good])
        found, inliers = cv2.findHomography(here, there, cv2.USAC_MAGSAC, _LARGEST_ERROR, maxIters=5000)
        if found is None or inliers.sum() < _FEWEST_MATCHES or not _is_sheet_seen_from_above(found, points):
            return None
        return np.asarray(found, np.float64)

    def _measure_agreement(self, small: np.ndarray, homography: np.ndarray) -> float:
        """Measure how much of the blank form's print the picture has, as Cohen's kappa does: 0 is chance, 1 all."""
        warped = cv2.warpPerspective(small, homography, self.printed.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
        near = cv2.dilate(_find_ink(warped).astype(np.uint8), np.ones((_NEAR, _NEAR), np.uint8)) > 0
        chance = float(near.mean())
        return (float(near[self.printed].mean()) - chance) / max(1 - chance, 1e-6)


def _shrink(picture: np.ndarray) -> tuple[np.ndarray, float]:
    """Return a grey copy for features, uint8, and its scale."""
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    scale = _SIDE / max(grey.shape)
    size = max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale))
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(np.ascontiguousarray(grey), size, interpolation=kind)), scale


def _find_features(small: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    keypoints, descriptors = cv2.SIFT.create(_MOST_FEATURES).detectAndCompute(small, None)
    if descriptors is None:
        return np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32)
    return np.array([point.pt for point in keypoints], np.float32), descriptors


def _find_ink(small: np.ndarray) -> np.ndarray:
    """Find what is printed or written, bool, of the same size."""
    page = binarize_page(small, min_side=1)
    return np.asarray(page.mask)


def _is_sheet_seen_from_above(homography: np.ndarray, points: np.ndarray) -> bool:
    """Tell whether a homography takes a rectangle to a convex quadrangle of the same sense of rotation."""
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    corners = np.array([[[left, top], [right, top], [right, bottom], [left, bottom]]], np.float64)
    moved = cv2.perspectiveTransform(corners, homography)[0].astype(np.float32)
    return bool(cv2.isContourConvex(moved) and cv2.contourArea(moved, oriented=True) > 0)
