"""Throughput in training and prediction, of plain implementations and of kerascnn on each backend.

    python benchmarks/speed.py

All take turns, each run in a process of its own, and every round begins with another one; so a busy machine disturbs
all. Not all alike, though: threads that wait for each other, as PyTorch's do, suffer most. So how many cores other
programs took is recorded with every run, and the table says so; for figures to publish, leave the machine alone.
Compare by the ratios of a round. The network, its dropout, Adam and the batch of 128 are the same for all but the
settings of the PyTorch examples; two more runs of ours add the augmentation, and all that the recipe `quick` does.
Writes benchmarks/results/speed.json with every single run.
"""

import argparse
import statistics
from collections.abc import Callable

import results
from contestants import BASELINE, CONTENDERS, ours, run_contender
from others import OtherPrograms

from kerascnn.benchmarking.operations import predicting_multiply_adds, training_multiply_adds
from kerascnn.benchmarking.prediction_speed import ONNX_RUNTIME
from kerascnn.benchmarking.processes import Measuring
from kerascnn.utils.backend import BACKENDS

_ENGINES = (ONNX_RUNTIME, *BACKENDS)
_MATMUL_SECONDS = 1.0

Run = Callable[[], dict]


def contender_run(name: str, steps: int) -> dict:
    """Run a plain implementation briefly: median of its blocks, and its first step."""
    figures = run_contender(name, "--epochs", "1", "--limit-steps", str(steps))
    blocks = figures["images_per_second"]
    return {
        "images_per_second": statistics.median(blocks) if blocks else None,
        "blocks": blocks,
        "first_step_seconds": figures["first_step_seconds"],
    }


def our_run(task: str, seconds: float, *subject: str) -> dict:
    """Run the training of `kerascnn fit`, or the prediction of `kerascnn predict`, briefly."""
    with Measuring(task, *subject) as process:
        block = process.block(seconds)
        return {"images_per_second": round(block["images"] / block["seconds"], 1), **process.first}


def matmul_run(seconds: float) -> dict:
    """Measure the limit: the median matrix product of the best size, and the number of cores it had."""
    with Measuring("matmul") as process:
        block = process.block(seconds)
    return {
        "gflops": max(statistics.median(runs) for runs in block["gflops"].values()),
        "cores": block["cores"],
        "runs": block["gflops"],
    }


def take_turns(runs: dict[str, Run], rounds: int) -> dict[str, list[dict]]:
    """Run every contestant, in rounds that begin with another one each time."""
    done = {name: [] for name in runs}
    names = list(runs)
    for number in range(rounds):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            others = OtherPrograms()
            figures = {**runs[name](), "cores_of_others": others.cores()}
            done[name].append(figures)
            shown = figures.get("images_per_second", figures.get("gflops"))
            print(f"{number + 1}/{rounds} {name}: {shown}", flush=True)
    return done


def summary(done: dict[str, list[dict]], peaks: list[dict], multiply_adds: int, baseline: str) -> dict:
    """Compute medians, medians of the rounds' ratios to a baseline, and shares of the round's limit."""
    rows = {}
    for name, runs in done.items():
        rates = [run["images_per_second"] for run in runs]
        ratios = [rate / run["images_per_second"] for rate, run in zip(rates, done[baseline], strict=True)]
        shares = [2 * multiply_adds * rate / (peak["gflops"] * 1e9) for rate, peak in zip(rates, peaks, strict=True)]
        rows[name] = {
            "images_per_second": statistics.median(rates),
            f"ratio_to_{baseline}": round(statistics.median(ratios), 3),
            "share_of_peak": round(statistics.median(shares), 3),
            "first_step_seconds": statistics.median(run["first_step_seconds"] for run in runs),
        }
    return rows


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--steps", type=int, default=61, help="Number of steps of a contender, the first of which is not counted."
    )
    parser.add_argument("--seconds", type=float, default=8.0, help="Length of a block of kerascnn in seconds.")
    parser.add_argument(
        "--dry-run", action="store_true", help="Run two steps of each, kerascnn on JAX, and record nothing."
    )
    arguments = parser.parse_args()
    seconds, steps = (0.0, 2) if arguments.dry_run else (arguments.seconds, arguments.steps)
    backends, engines = (("jax",), _ENGINES[:1]) if arguments.dry_run else (BACKENDS, _ENGINES)
    rounds = 1 if arguments.dry_run else arguments.rounds
    limit = {"matrix product": lambda: matmul_run(min(seconds, _MATMUL_SECONDS))}
    training = {
        **limit,
        **{name: lambda name=name: contender_run(name, steps) for name in CONTENDERS},
        **{ours(name): lambda name=name: our_run("training", seconds, name, "plain") for name in backends},
        **{
            f"{ours(backends[0])}, {text}": lambda settings=settings: our_run(
                "training", seconds, backends[0], settings
            )
            for settings, text in (("augmented", "with augmentation"), ("quick", "recipe quick"))
        },
    }
    predicting = {**limit, **{name: lambda name=name: our_run("predicting", seconds, name) for name in engines}}
    trained, predicted = take_turns(training, rounds), take_turns(predicting, rounds)
    if arguments.dry_run:
        return
    peaks, predicting_peaks = trained.pop("matrix product"), predicted.pop("matrix product")
    document = {
        "command": f"python benchmarks/speed.py --rounds {rounds} --steps {steps} --seconds {seconds:g}",
        "rounds": rounds,
        "batch_size": "128; 64 where the name says so",
        "matrix_product": {"training": peaks, "predicting": predicting_peaks},
        "training": summary(trained, peaks, training_multiply_adds("cnn"), BASELINE),
        "predicting": summary(predicted, predicting_peaks, predicting_multiply_adds(), ONNX_RUNTIME),
        "training_runs": trained,
        "predicting_runs": predicted,
    }
    results.write("speed", document)


if __name__ == "__main__":
    main()
