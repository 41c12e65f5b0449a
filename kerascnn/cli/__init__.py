"""The command line: parse, call one library function, print. Nothing heavy is imported before a command runs."""

# Each module adds its commands to the application, in the order in which --help shows them.
from kerascnn.cli import training, scoring, pictures, networks, machine  # noqa: F401, I001
from kerascnn.cli.app import app

__all__ = ["app", "main"]


def main() -> None:
    """The `kerascnn` command."""
    app()
