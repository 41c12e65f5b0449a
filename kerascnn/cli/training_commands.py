"""`kerascnn fit`."""

import sys
from typing import Annotated

import typer

from kerascnn.cli.application import app, fail
from kerascnn.cli.options import ARCHITECTURE_NAMES, BackendOption, DataOption, TextOrJson


@app.command()
def fit(
    data: DataOption = None,
    architecture: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"The network: {ARCHITECTURE_NAMES}.  [default: cnn]")
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="quick (the default: minutes) or best (more epochs, changed images)."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training part.  [quick: 3]")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Samples a step.  [quick: 128]")] = None,
    optimizer: Annotated[str | None, typer.Option(metavar="NAME", help="adam or muon.  [quick: muon]")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="The schedule's peak.  [quick: 0.002]")] = None,
    schedule: Annotated[
        str | None, typer.Option(metavar="NAME", help="cosine (down to zero) or constant.  [quick: cosine]")
    ] = None,
    warmup: Annotated[
        float | None, typer.Option(help="Share of the steps in which the learning rate rises.  [quick: 0.1]")
    ] = None,
    dropout_rates: Annotated[
        str | None, typer.Option(metavar="RATES", help="With commas, one a place.  [quick: 0,0 for cnn]")
    ] = None,
    augmentation: Annotated[
        float | None, typer.Option(help="Strength of the random changes to the images.  [quick: 0.5]")
    ] = None,
    final_augmentation: Annotated[
        float | None, typer.Option(help="The same in the last epoch, approached little by little.  [quick: unchanged]")
    ] = None,
    label_smoothing: Annotated[
        float | None, typer.Option(help="Share of each target that is spread over all classes.  [quick: 0.1]")
    ] = None,
    weight_averaging: Annotated[
        float | None, typer.Option(help="Momentum of a moving average of the weights, kept instead.  [quick: 0]")
    ] = None,
    outliers: Annotated[
        float | None, typer.Option(help="Pictures of no digit, as a share of each batch.  [quick: 0]")
    ] = None,
    validation_split: Annotated[
        float | None, typer.Option(help="Share of the training part to validate on.  [default: 0.2]")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything random.  [default: 0]")] = None,
    split_seed: Annotated[int | None, typer.Option(help="Of what is validated on.  [default: that of --seed]")] = None,
    output: Annotated[
        str | None, typer.Option(metavar="PATH", help="Default: saved_models/DATA_ARCHITECTURE.keras")
    ] = None,
    backend: BackendOption = None,
    patience: Annotated[
        int | None, typer.Option(help="Stop after so many epochs without improvement in validation.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the interrupted run of the same output.")] = False,
    tensorboard: Annotated[
        str | None, typer.Option(metavar="DIR", help="Write TensorBoard's logs there (an extra).")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="A few batches of everything, in a temporary directory.")
    ] = False,
    format: Annotated[TextOrJson, typer.Option(help="json prints the model's card.")] = TextOrJson.text,
) -> None:
    """Train a network and write it to saved_models/.

    Example: kerascnn fit --backend jax --epochs 1
    """
    from kerascnn.cli.progress import FitProgress
    from kerascnn.cli.training_tables import print_fit
    from kerascnn.training import fit as run

    progress = FitProgress()
    try:
        model = run(
            data,
            architecture,
            recipe,
            epochs=epochs,
            batch_size=batch_size,
            optimizer=optimizer,
            learning_rate=learning_rate,
            schedule=schedule,
            warmup=warmup,
            dropout_rates=_rates(dropout_rates),
            augmentation=augmentation,
            final_augmentation=final_augmentation,
            label_smoothing=label_smoothing,
            weight_averaging=weight_averaging,
            outliers=outliers,
            validation_split=validation_split,
            seed=seed,
            split_seed=split_seed,
            output=output,
            backend=backend,
            patience=patience,
            resume=resume,
            dry_run=dry_run,
            tensorboard=tensorboard,
            progress=progress,
        )
    except KeyboardInterrupt:
        progress.close()
        if not progress.saved_epochs or dry_run:
            fail("interrupted before the first epoch was finished; nothing was kept.")
        fail(f"interrupted after epoch {progress.saved_epochs}; the same command with --resume continues.")
    finally:
        progress.close()
    if format is TextOrJson.json:
        print(model.card.to_json(), end="")
        return
    print_fit(model.card, [] if dry_run else model.files)
    if dry_run:
        print("dry run: everything works; nothing was kept.", file=sys.stderr)


def _rates(text: str | None) -> tuple[float, ...] | None:
    """Numbers with commas between them."""
    try:
        return None if text is None else tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no list of dropout rates such as 0.1,0.3.") from error
