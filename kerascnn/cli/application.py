"""The application: options that hold for all commands, and how a command ends."""

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from kerascnn.cli.printing import print_lines, print_message
from kerascnn.utils.errors import KerasCNNError, UsageError
from kerascnn.utils.interrupts import compute_exit_code, find_stop, remember_interrupts
from kerascnn.utils.names import show_hidden

Function = TypeVar("Function", bound=Callable[..., Any])


class Command(TyperCommand):
    """A command whose `--help` names its arguments without their types in Python."""

    headings: tuple[str, ...] = ("Arguments", "Options")

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; what is wrong with one is said in plain words."""
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            error.message = _say_plainly(error.__cause__) or error.message
            raise
        except Exception as error:
            # typer keeps the class of an option that there is not to itself.
            if hasattr(error, "possibilities") and hasattr(error, "option_name"):
                known = [name for parameter in self.get_params(ctx) for name in parameter.opts]
                error.possibilities = find_options(error.option_name, known)
            raise

    def choose_heading(self, parameter: Any) -> str:
        """Choose the heading under which a parameter is shown."""
        return "Arguments" if parameter.param_type_name == "argument" else "Options"

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the parameters, heading by heading."""
        records: dict[str, list[tuple[str, str]]] = {heading: [] for heading in self.headings}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                name = str(parameter.metavar) if parameter.param_type_name == "argument" else record[0]
                records[self.choose_heading(parameter)].append((name, record[1]))
        for heading, rows in records.items():
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)


def find_options(name: str, known: Sequence[str]) -> list[str]:
    """Find the options that a name may mean: `--lr` is `--learning-rate`, by its initials."""
    word = name.lstrip("-").lower()
    initials = [one for one in known if "".join(part[:1] for part in one.lstrip("-").split("-")) == word]
    longer = [one for one in known if len(word) > 1 and one.startswith("--") and word in one]
    # Without the dashes, which make every short option alike.
    words = {one.lstrip("-"): one for one in known}
    return initials or [words[close] for close in get_close_matches(word, words)] or longer


_BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
_KINDS = {"int_parsing": "whole number such as 3", "float_parsing": "number such as 0.5"}


def _say_plainly(cause: BaseException | None) -> str | None:
    """Say in our own words what typer's checker found wrong with a value; None if that was not the matter."""
    found = cause.errors()[0] if cause is not None and hasattr(cause, "errors") else {}
    kind, context = _KINDS.get(found.get("type", "")), found.get("ctx") or {}
    if kind:
        return f"{found['input']!r} is no {kind}."
    for bound, words in _BOUNDS.items():
        if bound in context:
            return f"{found['input']} is not {words} {context[bound]:g}."
    return str(context["error"]) if "error" in context else None


class _Application(typer.Typer):
    """The application, all commands of which are of the class above unless they say otherwise."""

    def command(
        self, name: str | None = None, *, cls: type[TyperCommand] | None = Command, **settings: Any
    ) -> Callable[[Function], Function]:
        """Make the decorator that adds a command."""
        return super().command(name, cls=cls, **settings)


@contextlib.contextmanager
def _show_hidden_in_errors() -> Iterator[None]:
    """Let typer print no character that could erase or forge a line: arguments are often names of files."""
    try:
        yield
    except Exception as error:
        if isinstance(getattr(error, "message", None), str):
            vars(error)["message"] = show_hidden(vars(error)["message"])
        raise


class _Commands(TyperGroup):
    """Ends every expected failure with one sentence on stderr.

    The exit code is 2 for wrong usage, where the usage stands above the sentence, 128 and its number for a signal, and
    1 for everything else.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse empty arguments, which come from shell variables that are not set; `help` is as good as `--help`."""
        for argument in args:
            if argument == "" or (argument.startswith("--") and argument.endswith("=") and argument.count("=") == 1):
                raise typer.BadParameter(f"the argument {argument!r} has no value; is a shell variable empty?", ctx)
        return super().parse_args(ctx, [*args[1:2], "--help"] if args[:1] == ["help"] else args)

    @_show_hidden_in_errors()
    def make_context(self, *args: Any, **settings: Any) -> Any:
        """Parse the options that stand before a command; `--help` and `--version` print already here."""
        try:
            return super().make_context(*args, **settings)
        except OSError as error:
            print_message(f"kerascnn: {_describe_os_error(error)}")
            sys.exit(1)

    @_show_hidden_in_errors()
    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            with remember_interrupts():
                return super().invoke(ctx)
        except UsageError as error:
            raise typer.BadParameter(str(error), self._find_context(ctx)) from error
        except KerasCNNError as error:
            fail(str(error))
        except KeyboardInterrupt as error:
            stop = find_stop(error)
            fail(str(stop), compute_exit_code(stop.number))
        except BrokenPipeError:
            # The reader of our output has gone; nobody is left to tell.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(1) from None
        except MemoryError:
            fail("there is not enough memory; close other programs, or give less at once.")
        except OSError as error:
            fail(_describe_os_error(error))

    def _find_context(self, ctx: Any) -> Any:
        """Make a context of the command that ran, whose usage is shown above what was wrong with it."""
        command = self.get_command(ctx, ctx.invoked_subcommand)
        return command.make_context(command.name, [], parent=ctx, resilient_parsing=True) if command else ctx


def _describe_os_error(error: OSError) -> str:
    """Say what the operating system refused, of what, and what to do."""
    reason = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
        what = error.filename or "standard output"  # our own files are written elsewhere, with sentences of their own
        return f"{what} could not be written to its end: {reason.lower()}; free some space, or give another place."
    return f"{error.filename or 'the system'}: {reason}."


app = _Application(
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

        print_lines(f"{name} {number}" for name, number in list_installed_software().items())
        raise typer.Exit


def fail(text: str, code: int = 1) -> NoReturn:
    """Print on stderr what was wrong and how to mend it, and exit with a code."""
    print_message(f"kerascnn: {text}")
    raise typer.Exit(code)
