"""Train a network and write it to disk: what `kerascnn fit` does."""

import importlib.util
from dataclasses import replace
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from kerascnn.datasets import DataSource
from kerascnn.inference.engines import KerasEngine
from kerascnn.inference.onnx_conversion import add_onnx
from kerascnn.inference.predictor import Predictor
from kerascnn.models.lookup import Network
from kerascnn.saving.card import Card
from kerascnn.saving.model_files import require_replaceable, save, save_without_optimizer
from kerascnn.training.acceleration.threads import opencv_on_one_thread
from kerascnn.training.classification_task import ClassificationTask
from kerascnn.training.history import history_csv
from kerascnn.training.option_fields import fields_as_text
from kerascnn.training.recipe import Recipe
from kerascnn.training.run_options import FitKeywords, RunOptions
from kerascnn.training.run_settings import Run, prepare_run
from kerascnn.training.segmentation_task import SegmentationTask
from kerascnn.utils.backend import activate, describe_software, float32_by_default
from kerascnn.utils.errors import TrainingError
from kerascnn.utils.locks import reserve_output
from kerascnn.utils.names import show_hidden
from kerascnn.utils.random_state import preserve_random_state
from kerascnn.utils.staging import staging_directory, temporary_directory

if TYPE_CHECKING:
    import keras

    from kerascnn.training.loop import TrainingResult

_DRY_RUN_EPOCHS = 2
_SUFFIXES = (".keras", ".onnx", ".csv", ".png")


def fit(
    data: DataSource | None = None,
    architecture: Network | None = None,
    recipe: str | Recipe | None = None,
    **changes: Unpack[FitKeywords],
) -> Predictor:
    """Train a network on a data set and write it to disk.

    The training part is split, stratified by seed, into training and validation images; the weights of the epoch with
    the best validation accuracy are kept, scored once on the test part and saved.

    Args:
        data: `"mnist"` (the default), the path of a data set, arrays `(x_train, y_train), (x_test, y_test)` or a
            `Dataset`; see `kerascnn.load_dataset`.
        architecture: Network: a name of `kerascnn.models.ARCHITECTURES` (`"cnn"` by default), `"FILE.py:FUNCTION"`, a
            function `(input_shape, num_classes, dropout_rates)` that builds a `keras.Model`, or a built `keras.Model`,
            whose weights are the start weights.
        recipe: Hyper-parameters: `"quick"` (the default), `"best"` or a `Recipe`.
        **changes: Single hyper-parameters instead of the recipe's, and the options of the run, listed below; None
            leaves the default.

    Returns:
        The trained model.

    Raises:
        TypeError: If there is no such keyword.
        UsageError: If a value is impossible.
        TrainingError: If there is no run to resume, or nothing was learnt.
        ModelError: If there is no such architecture, or it cannot take these images or dropout rates.
        DataError: If the data are missing or malformed.
        BackendError: If the backend is unknown, missing, or another one is running already.
        OutputError: If the result cannot be written.

    Example:
        >>> model = kerascnn.fit(epochs=1)
        >>> model.card.metrics["test_accuracy"] > 0.98
        True
    """
    run = prepare_run(data, architecture, recipe, changes)
    _require_tensorboard(run.options)
    if run.options.dry_run:
        with temporary_directory() as directory:
            return _train(_shorten_run(run, directory))
    return _train(run)


fit.__doc__ = "\n\n".join(
    [
        cleandoc(fit.__doc__ or ""),
        f"Hyper-parameters (of `Recipe`, with the values of `quick`):\n{fields_as_text(Recipe)}",
        f"Options of the run:\n{fields_as_text(RunOptions)}",
    ]
)


def load_task(run: Run) -> ClassificationTask | SegmentationTask:
    """Load the data of a run, with what its network is to learn from them."""
    return SegmentationTask(run) if run.network.segments else ClassificationTask(run)


@preserve_random_state()
def _train(run: Run) -> Predictor:
    initial = [] if run.initial_model is None else [run.initial_model.path]
    require_replaceable(run.path, _SUFFIXES, initial)
    run.directory.require_own()
    with reserve_output(run.path):
        return _train_reserved(run)


def _train_reserved(run: Run) -> Predictor:
    if not run.options.resume and run.directory.exists():
        run.options.progress.message(
            f"{run.directory.path} holds an interrupted run ({len(run.directory.read().history)} epochs done); "
            "--resume would continue it. This new run replaces it after its first epoch."
        )
    task = load_task(run)
    # Better now than after hours of training: is there a place for the result?
    with staging_directory(run.path):
        pass
    if run.options.resume:
        _require_same_data(run, task.digest)
    activate(run.settings.backend)
    with float32_by_default():
        card, engine = _learn(run, task)
    run.directory.remove()
    for note in task.list_notes(card):
        run.options.progress.message(f"note: {note}")
    return Predictor(engine, card, run.path)


def _learn(run: Run, task: ClassificationTask | SegmentationTask) -> tuple[Card, KerasEngine]:
    """Train, score and write the network; Keras must be active."""
    from kerascnn.training.loop import train_model

    with opencv_on_one_thread():
        result = train_model(run, task.inputs(), task.digest)
    engine = KerasEngine(result.model)
    try:
        card = task.calibrate_and_score(_card(run, task, result), engine)
    except TrainingError:  # Nothing was learnt, so that there is nothing to continue either.
        run.directory.remove()
        raise
    return _write(result.model, card, run), engine


def _require_same_data(run: Run, digest: str) -> None:
    """Raise TrainingError unless an interrupted run began with these data, wherever they were."""
    state = run.directory.read()
    if state.data_digest == digest:
        return
    if state.settings["data"] == run.settings.data:
        raise TrainingError(
            f"the data set {run.settings.data!r} has changed since the run at {run.directory.path} began."
        )
    raise TrainingError(
        f"--data {run.settings.data} contradicts the interrupted run at {run.directory.path}, which has "
        f"{state.settings['data']} with other images; leave the option out, or start a new run without --resume."
    )


def _shorten_run(run: Run, directory: Path) -> Run:
    """Shorten a run to few epochs, and let it write to a directory."""
    recipe = run.settings.recipe
    short = replace(recipe, epochs=min(recipe.epochs, _DRY_RUN_EPOCHS))
    logs = None if run.options.tensorboard is None else directory / "logs"
    return replace(
        run,
        settings=replace(run.settings, recipe=short),
        options=replace(run.options, resume=False, tensorboard=logs),
        path=directory / run.path.name,
    )


def _card(run: Run, task: ClassificationTask | SegmentationTask, result: "TrainingResult") -> Card:
    settings = run.settings
    initial = {"initial_model": run.initial_model.facts()} if run.initial_model else {}
    return Card(
        name=run.path.stem,
        architecture=run.network.name,
        input_shape=tuple(result.model.input_shape[1:]),
        class_names=task.class_names,
        preparation=task.preparation,
        recipe={"name": settings.recipe_name, **settings.recipe.to_dict(), "patience": settings.patience, **initial},
        seed=settings.seed,
        data={**task.facts(), "validation_split": settings.validation_split, "split_seed": settings.split_seed},
        software=describe_software(settings.backend),
        history=[dict(row) for row in result.history],
        metrics={
            "best_epoch": result.best["epoch"],
            "val_accuracy": result.best["val_accuracy"],
            "val_loss": result.best["val_loss"],
        },
        command=run.command,
    )


def _write(model: "keras.Model", card: Card, run: Run) -> Card:
    from kerascnn.evaluation.learning_curves import draw_learning_curves

    with staging_directory(run.path) as directory:
        staged = {suffix: directory / f"model{suffix}" for suffix in _SUFFIXES}
        save_without_optimizer(model, staged[".keras"])
        run.options.progress.message("converting to ONNX ...")
        card = add_onnx(staged, card, run.path, run.options.progress.message)
        staged[".csv"].write_bytes(history_csv(card.history))
        title = f"{card.name}: {card.architecture} on {card.data['name']}, {run.settings.backend}"
        staged[".png"].write_bytes(draw_learning_curves(card.history, show_hidden(title)).png())
        return save(run.path, staged, card)


def _require_tensorboard(options: RunOptions) -> None:
    if options.tensorboard is not None and importlib.util.find_spec("tensorboard") is None:
        raise TrainingError("--tensorboard needs TensorBoard; pip install 'kerascnn[tensorboard]' adds it.")
    if options.tensorboard is not None:
        directory = Path(options.tensorboard)
        occupied = next((one for one in (directory, *directory.parents) if one.exists() and not one.is_dir()), None)
        if occupied is not None:
            raise TrainingError(f"--tensorboard {directory} needs a directory, but {occupied} is a file; give another.")
