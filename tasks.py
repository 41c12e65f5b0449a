"""Shortcuts for developers: `inv --list`. Each is a command that can be typed as well."""

from invoke import Context, task


@task
def lint(context: Context) -> None:
    """Check style and format."""
    context.run("ruff check . && ruff format --check .", pty=True)


@task
def test(context: Context) -> None:
    """Run the tests."""
    context.run("pytest", pty=True)


@task
def types(context: Context) -> None:
    """Check the types, strictly."""
    context.run("mypy", pty=True)


@task
def walls(context: Context) -> None:
    """Check that imports go down one list of rooms."""
    context.run("lint-imports", pty=True)


@task
def site(context: Context) -> None:
    """Build the documentation with the reference of every module into build/site/."""
    context.run("mkdocs build --strict", pty=True)


@task(help={"backend": "tensorflow, jax or torch"})
def fit(context: Context, backend: str = "tensorflow") -> None:
    """Train the default network."""
    context.run(f"kerascnn fit --backend {backend}", pty=True)


@task
def pretrain(context: Context) -> None:
    """Train the reference model and fit the evidence again, in place; takes about an hour on two cores."""
    context.run("python benchmarks/reference_data.py", pty=True)
    context.run(
        "kerascnn fit --data build/reference_data.npz --architecture resnet --recipe best --outliers 0.2 "
        "--backend torch --split-seed 0 --validation-split 0.1 --output kerascnn/reference/reference.keras",
        pty=True,
    )
    context.run("python benchmarks/evidence.py", pty=True)
    context.run("python benchmarks/segments.py", pty=True)
    context.run("python benchmarks/symbols.py --fit", pty=True)


@task
def pretrain_segmenter(context: Context) -> None:
    """Train the U-Net that ships again, in place; takes about half an hour on two cores."""
    context.run(
        "kerascnn fit --architecture unet --recipe best --backend tensorflow "
        "--output kerascnn/reference/segmenter.keras",
        pty=True,
    )


@task
def bench(context: Context) -> None:
    """Measure training and start-up on this machine (hours), and put the figures into README and docs."""
    context.run(
        "python benchmarks/accuracy_against_time.py && python benchmarks/ablation.py && python benchmarks/speed.py "
        "&& python benchmarks/start_up.py && python benchmarks/tables.py",
        pty=True,
    )


@task
def docs(context: Context) -> None:
    """Make the tutorial's tables, figures and notebook anew, after a change of the text or of the reference model."""
    context.run("python benchmarks/tables.py && python docs/figures.py && python docs/notebook.py", pty=True)


@task
def build(context: Context) -> None:
    """Make the wheel."""
    context.run("python -m build --wheel", pty=True)
