"""What `backends` and `benchmark` print for people."""

from collections.abc import Sequence

from kerascnn.benchmarking import Benchmark, Rate
from kerascnn.cli.printing import print_line
from kerascnn.cli.tables import new_table, stdout_console
from kerascnn.utils.backend import BackendChoice, BackendStatus

_FEW_CORES = 0.9
"""Share of the allowed threads below which the matrix product was disturbed by other programs."""


def print_backends(statuses: Sequence[BackendStatus], choice: BackendChoice | None) -> None:
    """Print the backends with their versions and devices, and which one would be used."""
    table = new_table("backend", "version", "devices", "", numeric=False)
    for status in statuses:
        used = "used" if choice and status.name == choice.name else ""
        table.add_row(status.name, status.version or "not installed", ", ".join(status.devices) or "-", used)
    console = stdout_console()
    table.print(console)
    if choice:
        print_line(f"{choice.name} would be used: {choice.reason}.")


def print_benchmark(benchmark: Benchmark) -> None:
    """Print the machine and the limit of its processor, then a table of training and one of predicting."""
    console = stdout_console()
    machine, product = benchmark.machine, benchmark.matrix_product
    print_line(f"{machine['processor']}, {machine['cores']} cores")
    print_line(
        f"float32 matrix product: {product.gflops:,.0f} GFLOPS "
        f"({product.size}x{product.size}, {product.threads} threads)"
    )
    print_line(
        f"at that rate, the limit: {_limit(benchmark, benchmark.training_multiply_adds)} images/s in training, "
        f"{_limit(benchmark, benchmark.predicting_multiply_adds)} in predicting"
    )
    if product.cores < _FEW_CORES * product.threads:
        print_line(
            f"Other programs were running: the matrix product had {product.cores:.1f} of {product.threads} cores."
        )
        print_line("Close them and measure again; until then, compare the rows with each other only.")
    for task, rates, first in (
        ("training", benchmark.training, "first step"),
        ("predicting", benchmark.predicting, "first batch"),
    ):
        table = new_table(task, "images/s", "lowest - highest", "of the limit", "start", first)
        for rate in rates:
            table.add_row(*_benchmark_row(rate))
        print_line()
        table.print(console)
        for rate in rates:
            if rate.problem:
                print_line(f"{rate.name} was not measured: {rate.problem}")


def _limit(benchmark: Benchmark, multiply_adds: int) -> str:
    return f"{benchmark.matrix_product.gflops * 1e9 / (2 * multiply_adds):,.0f}"


def _benchmark_row(rate: Rate) -> list[str]:
    name = f"{rate.name} {rate.version.split('+')[0]}" if rate.version else rate.name
    if rate.problem:
        return [name, "-"]
    return [
        name,
        f"{rate.images_per_second:,.0f}",
        f"{min(rate.runs):,.0f} - {max(rate.runs):,.0f}",
        f"{rate.share_of_peak:.0%}",
        f"{rate.seconds_to_start:.1f} s",
        f"{rate.first_step_seconds:.1f} s",
    ]
