"""The limit: how many floating-point operations a second the processor does in a product of large matrices.

No library knows every processor: on an AMD EPYC with AVX-512, numpy's OpenBLAS takes it for one without and reaches
about 60 % of what ONNX Runtime does. Elsewhere it may be the other way round. The quicker one is the limit.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

SIZES = (1024, 2048, 3072)
Product = Callable[[np.ndarray, np.ndarray], np.ndarray]


def measure_matmul(blocks: Iterator[float], send: Callable[[dict[str, Any]], None]) -> None:
    """Measure products of square float32 matrices, by numpy or ONNX Runtime, block by block.

    Args:
        blocks: Length of each block in seconds, asked for when it is its turn.
        send: Function that is called with the message that all is ready; then, for each block, with `gflops` (of every
            product, by size) and `cores` (mean number of cores that the process had in that time).
    """
    generator = np.random.default_rng(0)
    matrices = {size: generator.random((2, size, size), dtype=np.float32) for size in SIZES}
    largest = matrices[SIZES[-1]]
    # The first product of each is a warm-up, and slower.
    products: tuple[Product, Product] = (np.matmul, _product_by_onnxruntime())
    product = max(products, key=lambda one: max(_gflops(one, largest) for _ in range(3)))
    send({"ready": True})
    for seconds in blocks:
        begun, processor = time.perf_counter(), time.process_time()
        runs: dict[int, list[float]] = {size: [] for size in SIZES}
        while not runs[SIZES[-1]] or time.perf_counter() - begun < seconds:
            for size, pair in matrices.items():
                runs[size].append(round(_gflops(product, pair), 1))
        cores = (time.process_time() - processor) / (time.perf_counter() - begun)
        send({"gflops": runs, "cores": round(cores, 2)})


def _product_by_onnxruntime() -> Product:
    import onnxruntime
    from onnx import TensorProto, helper

    first, second, result = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", "n"]) for name in ("first", "second", "result")
    )
    node = helper.make_node("MatMul", ["first", "second"], ["result"])
    graph = helper.make_graph([node], "product", [first, second], [result])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return lambda one, other: session.run(None, {"first": one, "second": other})[0]


def _gflops(product: Product, pair: np.ndarray) -> float:
    begun = time.perf_counter()
    product(pair[0], pair[1])
    return 2 * len(pair[0]) ** 3 / (time.perf_counter() - begun) / 1e9
