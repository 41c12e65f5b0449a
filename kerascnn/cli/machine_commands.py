"""The commands about this machine: `backends`, `benchmark`."""

from typing import Annotated

import typer

from kerascnn.cli.application import app
from kerascnn.cli.options import Format
from kerascnn.cli.printing import print_csv, print_json, print_message
from kerascnn.utils.errors import KerasCNNError


@app.command()
def backends(format: Annotated[Format, typer.Option(help="How to print the backends.")] = Format.text) -> None:
    """Show the installed backends and the one in use.

    Example: kerascnn backends --format json
    """
    from kerascnn.utils.backend import choose_backend, list_backends

    statuses = list_backends()
    problem = None
    try:
        choice = choose_backend()
    except KerasCNNError as error:
        choice, problem = None, error
    if format is Format.json:
        used = {"name": choice.name, "reason": choice.reason, "note": choice.note} if choice else None
        print_json({"backends": [status.to_dict() for status in statuses], "used": used})
    elif format is Format.csv:
        rows = [{**status.to_dict(), "devices": " ".join(status.devices)} for status in statuses]
        print_csv(rows, ["name", "version", "devices"])
    else:
        from kerascnn.cli.machine_tables import print_backends

        print_backends(statuses, choice)
    if choice and choice.note:
        print_message(choice.note)
    if problem:
        raise problem


@app.command()
def benchmark(
    backend: Annotated[
        list[str] | None,
        typer.Option(
            "--backend",
            metavar="NAME",
            help="A backend to measure: tensorflow, jax or torch; can be repeated.  [default: all that are installed]",
        ),
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=0.1, metavar="NUMBER", help="Length of one timed block, in seconds.")
    ] = 5.0,
    rounds: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="NUMBER",
            help="Number of timed blocks for each backend and engine, which take turns; the median is shown.",
        ),
    ] = 5,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Run a single step of each, to see whether everything works.")
    ] = False,
    format: Annotated[
        Format, typer.Option(help="How to print the rates; json has the rate of every block.")
    ] = Format.text,
) -> None:
    """Measure how fast this machine trains and predicts.

    Every installed backend is measured against the limit of the processor. Takes about five
    minutes with the default values.

    Example: kerascnn benchmark --backend tensorflow --backend jax --format json
    """
    from kerascnn.benchmarking import benchmark as run

    result = run(backend, seconds=seconds, rounds=rounds, dry_run=dry_run, on_note=print_message)
    if format is Format.json:
        print_json(result.to_dict())
    elif format is Format.csv:
        tasks = {"training": result.training, "predicting": result.predicting}
        rows = [{"task": task, **vars(rate), "runs": len(rate.runs)} for task, rates in tasks.items() for rate in rates]
        print_csv(rows, list(rows[0]))
    else:
        from kerascnn.cli.machine_tables import print_benchmark

        print_benchmark(result)
    if dry_run:
        print_message("dry run: everything works; the rates mean nothing.")
