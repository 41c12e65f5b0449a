"""The command line: parse, call one library function, print. Nothing heavy is imported before a command runs."""

# Each module adds its commands to the application, in the order in which --help shows them.
# isort: off
from kerascnn.cli import training_commands
from kerascnn.cli import evaluation_commands
from kerascnn.cli import picture_commands
from kerascnn.cli import network_commands
from kerascnn.cli import machine_commands

# isort: on
from kerascnn.cli.application import app
from kerascnn.cli.notebooks import drop_missing_figure_backend
from kerascnn.cli.streams import prepare_streams, silence_libraries

__all__ = [
    "app",
    "evaluation_commands",
    "machine_commands",
    "main",
    "network_commands",
    "picture_commands",
    "training_commands",
]


def main() -> None:
    """Run the `kerascnn` command."""
    prepare_streams()
    silence_libraries()
    drop_missing_figure_backend()
    app(prog_name="kerascnn")
