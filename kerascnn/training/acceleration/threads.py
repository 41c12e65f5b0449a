"""Leave the cores to the training step while batches are made beside it.

OpenCV shares a few of its operations among threads, which wait at full speed for the next one: for a few milliseconds
of augmentation a batch, a whole core is taken from the step.
"""

import contextlib
from collections.abc import Iterator

import cv2


@contextlib.contextmanager
def opencv_on_one_thread() -> Iterator[None]:
    """Let OpenCV compute on the thread that calls it inside the block, and as before after it."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
