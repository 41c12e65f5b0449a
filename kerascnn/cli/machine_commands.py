"""The commands about this machine: `backends`, `benchmark`."""

import json
import sys
from typing import Annotated

import typer

from kerascnn.cli.application import app
from kerascnn.cli.options import Format
from kerascnn.cli.results import print_csv
from kerascnn.utils.errors import KerasCNNError


@app.command()
def backends(
    format: Annotated[Format, typer.Option(help="How to print.")] = Format.text,
) -> None:
    """Show which backends are installed, on which devices, and which one would be used.

    Example: kerascnn backends --format json
    """
    from kerascnn.utils.backend import backend_statuses, choose_backend

    statuses = backend_statuses()
    problem = None
    try:
        choice = choose_backend()
    except KerasCNNError as error:
        choice, problem = None, error
    if format is Format.text:
        from kerascnn.cli.tables import print_backends

        print_backends(statuses, choice)
    elif format is Format.csv:
        print_csv(
            [{**status.to_dict(), "devices": " ".join(status.devices)} for status in statuses],
            ["name", "version", "devices"],
        )
    else:
        used = {"name": choice.name, "reason": choice.reason, "note": choice.note} if choice else None
        print(json.dumps({"backends": [status.to_dict() for status in statuses], "used": used}))
    if choice and choice.note:
        print(choice.note, file=sys.stderr)
    if problem:
        raise problem


@app.command()
def benchmark(
    backend: Annotated[
        list[str] | None,
        typer.Option("--backend", metavar="NAME", help="tensorflow, jax or torch; can be repeated.  [default: all]"),
    ] = None,
    seconds: Annotated[float, typer.Option(metavar="NUMBER", help="Of a block.")] = 5.0,
    rounds: Annotated[int, typer.Option(metavar="NUMBER", help="Blocks of each, in turn; the median counts.")] = 5,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="One step of each: does everything work?")] = False,
    format: Annotated[Format, typer.Option(help="json has every single run.")] = Format.text,
) -> None:
    """Measure this machine: training and predicting on each backend, against the limit of its processor.

    Example: kerascnn benchmark --backend tensorflow --backend jax --format json
    """
    from kerascnn.benchmarking import benchmark as run

    result = run(
        backend,
        seconds=seconds,
        rounds=rounds,
        dry_run=dry_run,
        on_note=lambda text: print(text, file=sys.stderr, flush=True),
    )
    if format is Format.json:
        print(json.dumps(result.to_dict(), ensure_ascii=False))
    elif format is Format.csv:
        tasks = {"training": result.training, "predicting": result.predicting}
        rows = [{"task": task, **vars(rate), "runs": len(rate.runs)} for task, rates in tasks.items() for rate in rates]
        print_csv(rows, list(rows[0]))
    else:
        from kerascnn.cli.tables import print_benchmark

        print_benchmark(result)
    if dry_run:
        print("dry run: everything was tried; the figures say nothing.", file=sys.stderr)
