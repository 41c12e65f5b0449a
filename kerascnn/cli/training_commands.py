"""`kerascnn fit`. Its options are made from the fields of `Recipe` and `RunOptions`."""

from collections.abc import Iterator
from dataclasses import Field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kerascnn.cli.application import Command, app
from kerascnn.cli.options import ARCHITECTURE_NAMES, DataOption, TextOrJson, take_options
from kerascnn.cli.printing import print_card, print_message
from kerascnn.training.option_fields import Option, as_text, list_options, make_flags, resolve_type
from kerascnn.training.recipe import RECIPES, Recipe, choose_recipe
from kerascnn.training.run_options import RunOptions
from kerascnn.utils.interrupts import Stop, find_stop

if TYPE_CHECKING:
    from kerascnn.cli.progress import FitProgress
    from kerascnn.inference.predictor import Predictor


class _PanelCommand(Command):
    """A command whose `--help` shows the options under the headings of their panels, without rich."""

    headings = ("Data", "Network", "Recipe", "Run", "Output")

    def choose_heading(self, parameter: Any) -> str:
        """Choose the panel of a parameter; the last one if it names none."""
        return getattr(parameter, "rich_help_panel", None) or self.headings[-1]


def fit(
    data: DataOption = None,
    architecture: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help=f"Network: {ARCHITECTURE_NAMES}, or FILE.py:FUNCTION for one of your own.  [default: cnn]",
            rich_help_panel="Network",
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Hyper-parameters: quick takes minutes, best is for people's own pictures.  [default: quick]",
            rich_help_panel="Recipe",
        ),
    ] = None,
    format: Annotated[
        TextOrJson, typer.Option(help="How to print the results; json is the model's card.", rich_help_panel="Output")
    ] = TextOrJson.text,
    **options: Any,
) -> None:
    """Train a network and write it to saved_models/.

    The defaults of the recipes are those for cnn; other networks have their own.

    Example: kerascnn fit --backend jax --epochs 1
    """
    from kerascnn.cli.progress import FitProgress
    from kerascnn.cli.training_tables import print_fit

    progress = FitProgress()
    model = _run(progress, data, architecture, recipe, options)
    if format is TextOrJson.json:
        print_card(model.card)
        return
    print_fit(model.card, [] if options["dry_run"] else model.files)
    if options["dry_run"]:
        print_message("dry run: everything works; nothing was kept.")


def _run(
    progress: "FitProgress", data: str | None, architecture: str | None, recipe: str | None, options: dict[str, Any]
) -> "Predictor":
    """Train; an interrupt becomes one sentence that says what was kept."""
    from kerascnn.training import fit
    from kerascnn.training.acceleration.memory import keep_freed_memory

    try:
        with keep_freed_memory():
            return fit(data, architecture, recipe, progress=progress, **options)
    except KeyboardInterrupt as error:
        stop = find_stop(error)
        how = str(stop).removesuffix(".")
        if not progress.saved_epochs or options["dry_run"]:
            raise Stop(stop.number, f"{how} before the first epoch was finished; nothing was kept.") from error
        kept = f"{how} after epoch {progress.saved_epochs}; the same command with --resume continues."
        raise Stop(stop.number, kept) from error
    finally:
        progress.close()


def _make_options() -> Iterator[tuple[str, Any]]:
    """Yield the name and the annotation of one option for each field with a panel."""
    recipes = {name: choose_recipe(name, "cnn") for name in RECIPES}
    for field, option in list_options(Recipe):
        allowed = option.allowed if isinstance(option.allowed, tuple) else (str(option.allowed),)
        values = {name: _default(getattr(recipe, field.name)) for name, recipe in recipes.items()}
        yield field.name, _make_option(field, option, f"{' or '.join(allowed)}; {_defaults(values)}")
    for field, option in list_options(RunOptions):
        if option.panel is not None:
            has_default = isinstance(field.default, int | float) and not isinstance(field.default, bool)
            yield field.name, _make_option(field, option, f"default: {as_text(field.default)}" if has_default else "")


def _default(value: Any) -> str:
    return "unchanged" if value is None else as_text(value)


def _defaults(values: dict[str, str]) -> str:
    """Write the value of each recipe, such as `quick: 3; best: 24`; once if it is the same in all."""
    if len(set(values.values())) == 1:
        return f"default: {next(iter(values.values()))}"
    return "; ".join(f"{name}: {value}" for name, value in values.items())


def _make_option(field: Field[Any], option: Option, facts: str) -> Any:
    """Annotate a keyword with the option of its field."""
    kind = resolve_type(field)
    made = typer.Option(
        *make_flags(field.name, option),
        help=f"{option.help}  [{facts}]" if facts else option.help,
        metavar=option.metavar or ("NUMBER" if kind in (int, float) else None),
        rich_help_panel=option.panel,
        parser=_read_numbers if kind is tuple else None,
        show_default=False,
    )
    value: Any = str if kind is tuple else kind
    return Annotated[bool if kind is bool else value | None, made]


def _read_numbers(text: str) -> tuple[float, ...]:
    """Read numbers with commas between them."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no list of numbers such as 0.1,0.3.") from error


app.command(cls=_PanelCommand)(take_options(dict(_make_options()))(fit))
