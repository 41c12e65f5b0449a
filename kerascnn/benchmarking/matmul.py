"""The limit: how many floating-point operations a second the processor does in a product of large matrices."""

import time
from collections.abc import Callable, Iterator

import numpy as np

SIZES = (1024, 2048, 3072)


def measure_matmul(blocks: Iterator[float], send: Callable[[dict], None]) -> None:
    """Measure products of square float32 matrices by numpy, block by block.

    Args:
        blocks: seconds of each block, asked for when it is its turn.
        send: is given the message that it is ready; then, for each block, `gflops`: of every product, by size, and
            `cores`: how many the process had in that time.
    """
    generator = np.random.default_rng(0)
    matrices = {size: generator.random((2, size, size), dtype=np.float32) for size in SIZES}
    for pair in matrices.values():
        _gflops(pair)
    send({"ready": True})
    for seconds in blocks:
        begun, processor = time.perf_counter(), time.process_time()
        runs = {size: [] for size in SIZES}
        while not runs[SIZES[-1]] or time.perf_counter() - begun < seconds:
            for size, pair in matrices.items():
                runs[size].append(round(_gflops(pair), 1))
        cores = (time.process_time() - processor) / (time.perf_counter() - begun)
        send({"gflops": runs, "cores": round(cores, 2)})


def _gflops(pair: np.ndarray) -> float:
    begun = time.perf_counter()
    np.matmul(pair[0], pair[1])
    return 2 * len(pair[0]) ** 3 / (time.perf_counter() - begun) / 1e9
