"""The application: options that hold for all commands, and how a command ends."""

import os
import sys
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from kerascnn.cli.printing import print_message
from kerascnn.utils.errors import KerasCNNError, UsageError
from kerascnn.utils.interrupts import remember_interrupts

_WRONG_USAGE = 2


class _Commands(TyperGroup):
    """Ends every expected failure with one sentence on stderr: exit code 2 for wrong usage, 1 for all others."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse empty arguments, which come from shell variables that are not set."""
        for argument in args:
            if argument == "" or (argument.startswith("--") and argument.endswith("=") and argument.count("=") == 1):
                raise typer.BadParameter(f"the argument {argument!r} has no value; is a shell variable empty?", ctx)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            with remember_interrupts():
                return super().invoke(ctx)
        except UsageError as error:
            fail(str(error), exit_code=_WRONG_USAGE)
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
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def top(
    version: Annotated[
        bool, typer.Option("--version", help="Print the versions of kerascnn and of what it runs on, and exit.")
    ] = False,
) -> None:
    """Read handwritten digits with Keras 3, on TensorFlow, JAX or PyTorch.

    Example: kerascnn predict image.png
    """
    if version:
        from kerascnn.utils.backend import list_installed_software

        print(*(f"{name} {number}" for name, number in list_installed_software().items()), sep="\n")
        raise typer.Exit


def fail(text: str, *, exit_code: int = 1) -> NoReturn:
    """Print on stderr what was wrong and how to mend it, and exit."""
    print_message(f"kerascnn: {text}")
    raise typer.Exit(exit_code)
