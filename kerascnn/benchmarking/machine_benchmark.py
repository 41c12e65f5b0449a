"""`kerascnn benchmark`: everything that is installed takes turns, so that a busy machine disturbs all alike."""

import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

from kerascnn.benchmarking.operations import predicting_multiply_adds, training_multiply_adds
from kerascnn.benchmarking.prediction_speed import ONNX_RUNTIME
from kerascnn.benchmarking.processes import Failed, Measuring
from kerascnn.benchmarking.processor import machine
from kerascnn.utils.backend import BACKENDS, find_installed_version
from kerascnn.utils.cores import count_cores
from kerascnn.utils.errors import UsageError

Note = Callable[[str], None]
Message = dict[str, Any]
"""What a process that measures says: a JSON object."""

_MATMUL_SECONDS = 1.0  # length of a block at most


@dataclass(frozen=True)
class Rate:
    """How fast a backend trains, or an engine predicts.

    Args:
        name: Name of the backend or engine.
        version: Version of its package; None if it is not installed.
        images_per_second: Median of `runs`; None if there are none.
        share_of_peak: Its floating-point operations a second against those of the matrix product, 0 to 1.
        runs: Images a second of every block, in their order.
        seconds_to_start: Seconds from the start to the first step: the framework's import, the data, the model.
        first_step_seconds: Seconds of the first step, or batch, with the compilation in it.
        problem: Reason for missing figures, else None.
    """

    name: str
    version: str | None
    images_per_second: float | None = None
    share_of_peak: float | None = None
    runs: tuple[float, ...] = ()
    seconds_to_start: float | None = None
    first_step_seconds: float | None = None
    problem: str | None = None


@dataclass(frozen=True)
class MatrixProduct:
    """What the processor can do: products of square float32 matrices, by numpy or ONNX Runtime.

    Args:
        gflops: Median speed at the best size, in 10^9 floating-point operations a second.
        size: Number of rows of the matrices of that size.
        threads: Number of threads allowed.
        cores: Mean number of cores in use; clearly fewer than threads where other programs ran.
        runs: Speed of every product, in 10^9 floating-point operations a second, by the number of rows.
    """

    gflops: float
    size: int
    threads: int
    cores: float
    runs: dict[int, tuple[float, ...]]


@dataclass(frozen=True)
class Benchmark:
    """What was measured.

    Args:
        machine: Processor, number of cores and versions.
        matrix_product: Peak that the shares refer to.
        training_multiply_adds: Multiply-adds for an image, forward and backward.
        predicting_multiply_adds: Multiply-adds for an image, forward.
        training: One row a backend.
        predicting: One row an engine.
        rounds: Number of timed blocks of each.
        seconds: Length of a block in seconds.
    """

    machine: dict[str, Any]
    matrix_product: MatrixProduct
    training_multiply_adds: int
    predicting_multiply_adds: int
    training: tuple[Rate, ...]
    predicting: tuple[Rate, ...]
    rounds: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain data, for JSON."""
        return asdict(self)


def benchmark(
    backends: Sequence[str] | None = None,
    *,
    seconds: float = 5.0,
    rounds: int = 5,
    dry_run: bool = False,
    on_note: Note | None = None,
) -> Benchmark:
    """Measure this machine: training on each backend, predicting with each engine, and the limit of the processor.

    Each runs in a process of its own. They take turns, one at a time, in short blocks. What trains is `kerascnn.fit` on
    MNIST with batches of 128; what predicts is the `cnn` that ships, 10,000 images as arrays.

    Args:
        backends: Names of `BACKENDS`, all by default; ONNX Runtime predicts in any case. One that is not
            installed is named as such.
        seconds: Length of a block in seconds.
        rounds: Number of timed blocks of each.
        dry_run: Whether to time only one very short block of each, whose figures say little.
        on_note: Function that is called with a sentence on what is being measured, and on each block.

    Returns:
        The figures, with every single run.

    Raises:
        UsageError: If a backend is unknown, or a number makes no sense.

    Example:
        >>> kerascnn.benchmarking.benchmark(["jax"]).training[0].images_per_second > 0
        True
    """
    names = tuple(dict.fromkeys(backends or BACKENDS))
    for name in names:
        if name not in BACKENDS:
            raise UsageError(f"there is no backend {name!r} to measure; kerascnn runs on {', '.join(BACKENDS)}.")
    if rounds < 1 or seconds <= 0:
        raise UsageError(f"{rounds} rounds of {seconds:g} seconds measure nothing; expected at least 1, above 0.")
    rounds, seconds = (1, 0.0) if dry_run else (rounds, seconds)
    note = on_note or (lambda text: None)
    # One after the other: three frameworks that train, and four engines, need not be in memory together.
    training = _take_turns("training", ("quick",), names, rounds, seconds, note)
    predicting = _take_turns("predicting", (), (ONNX_RUNTIME, *names), rounds, seconds, note)
    product = _matrix_product(training.matmul + predicting.matmul)
    training_cost, predicting_cost = training_multiply_adds("cnn"), predicting_multiply_adds()
    return Benchmark(
        machine=machine(),
        matrix_product=product,
        training_multiply_adds=training_cost,
        predicting_multiply_adds=predicting_cost,
        training=tuple(_rate(name, training, training_cost, product) for name in training.names),
        predicting=tuple(_rate(name, predicting, predicting_cost, product) for name in predicting.names),
        rounds=rounds,
        seconds=seconds,
    )


@dataclass(frozen=True)
class _Turns:
    """Messages of the processes of a task, by backend or engine."""

    names: tuple[str, ...]
    first: dict[str, Message]
    blocks: dict[str, list[Message]]
    problems: dict[str, str]
    matmul: list[Message]


def _take_turns(
    task: str, settings: tuple[str, ...], names: tuple[str, ...], rounds: int, seconds: float, note: Note
) -> _Turns:
    turns = _Turns(names, {}, {name: [] for name in names}, {}, [])
    processes: dict[str, Measuring] = {}
    with ExitStack() as stack:
        matmul = stack.enter_context(Measuring("matmul"))
        for name in names:
            if find_installed_version(name) is None:
                turns.problems[name] = "not installed"
                continue
            note(f"{task}: {name} starts")
            try:
                processes[name] = stack.enter_context(Measuring(task, name, *settings))
                turns.first[name] = processes[name].first
            except Failed as error:
                turns.problems[name] = str(error)
        for number in range(rounds):
            turns.matmul.append(matmul.block(min(seconds, _MATMUL_SECONDS)))
            for name in list(processes):
                try:
                    turns.blocks[name].append(processes[name].block(seconds))
                except Failed as error:
                    turns.problems[name] = str(error)
                    del processes[name]
                    continue
                note(f"{task}: {name}, {number + 1}/{rounds}: {_per_second(turns.blocks[name][-1]):,.0f} images/s")
    return turns


def _per_second(block: Message) -> float:
    return float(block["images"] / block["seconds"])


def _matrix_product(blocks: Sequence[Message]) -> MatrixProduct:
    runs = {int(size): tuple(run for block in blocks for run in block["gflops"][size]) for size in blocks[0]["gflops"]}
    medians = {size: statistics.median(values) for size, values in runs.items()}
    best = max(medians, key=lambda size: medians[size])
    cores = round(statistics.mean(block["cores"] for block in blocks), 2)
    return MatrixProduct(medians[best], best, count_cores(), cores, runs)


def _rate(name: str, turns: _Turns, multiply_adds: int, product: MatrixProduct) -> Rate:
    version = find_installed_version(name)
    if name in turns.problems:
        return Rate(name, version, problem=turns.problems[name])
    runs = tuple(round(_per_second(block), 1) for block in turns.blocks[name])
    median = statistics.median(runs)
    share = round(2 * multiply_adds * median / (product.gflops * 1e9), 4)
    return Rate(name, version, median, share, runs, **turns.first[name])
