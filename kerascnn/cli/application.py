"""The application: how commands end, and what holds for all of them."""

import os
import sys
from typing import Annotated, NoReturn

import typer
from typer.core import TyperGroup

from kerascnn.utils.errors import KerasCNNError
from kerascnn.utils.interrupts import noticed_interrupts
from kerascnn.utils.version import __version__


class _Commands(TyperGroup):
    """Turns every expected failure into one sentence and exit code 1."""

    def invoke(self, ctx):
        try:
            with noticed_interrupts():
                return super().invoke(ctx)
        except KerasCNNError as error:
            fail(str(error))
        except KeyboardInterrupt:
            fail("interrupted.")
        except BrokenPipeError:
            # The reader of our output has gone; nobody is left to tell.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(1) from None
        except MemoryError:
            fail("there is not enough memory; close other programs, or give less at once.")
        except OSError as error:
            fail(f"{error.filename or 'the system'}: {error.strerror or error}.")


app = typer.Typer(
    cls=_Commands,
    name="kerascnn",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def top(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """Read handwritten digits with Keras 3, on TensorFlow, JAX or PyTorch.

    Example: kerascnn predict image.png
    """
    if version:
        print(__version__)
        raise typer.Exit


def fail(text: str) -> NoReturn:
    """Say what was wrong and what to do, and exit with 1."""
    print(f"kerascnn: {text}", file=sys.stderr)
    raise typer.Exit(1)
