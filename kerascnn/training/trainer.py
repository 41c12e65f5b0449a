"""Train a network and write it to disk: what `kerascnn fit` does."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kerascnn.inference.engines import KerasEngine, measure_latency
from kerascnn.inference.predictor import Predictor
from kerascnn.models import ARCHITECTURES
from kerascnn.saving.card import Card
from kerascnn.saving.model_files import require_replaceable, save, save_without_optimizer
from kerascnn.training.acceleration.memory import freed_memory_kept
from kerascnn.training.acceleration.threads import opencv_on_one_thread
from kerascnn.training.classification_task import Classification
from kerascnn.training.progress import NoProgress, Progress
from kerascnn.training.run_directory import RunDirectory, history_csv
from kerascnn.training.run_settings import RunRequest, RunSettings, new_settings, output_path, resumed_settings
from kerascnn.training.segmentation_task import Segmentation
from kerascnn.utils.backend import activate, software
from kerascnn.utils.errors import TrainingError
from kerascnn.utils.files import staging_directory

_DRY_RUN_EPOCHS = 2
_SUFFIXES = (".keras", ".onnx", ".csv", ".png")


def fit(
    data: str | None = None,
    architecture: str | None = None,
    recipe: str | None = None,
    *,
    epochs: int | None = None,
    batch_size: int | None = None,
    optimizer: str | None = None,
    learning_rate: float | None = None,
    schedule: str | None = None,
    warmup: float | None = None,
    dropout_rates: Sequence[float] | None = None,
    augmentation: float | None = None,
    final_augmentation: float | None = None,
    label_smoothing: float | None = None,
    weight_averaging: float | None = None,
    outliers: float | None = None,
    validation_split: float | None = None,
    seed: int | None = None,
    split_seed: int | None = None,
    output: str | Path | None = None,
    backend: str | None = None,
    patience: int | None = None,
    resume: bool = False,
    dry_run: bool = False,
    tensorboard: str | Path | None = None,
    progress: Progress | None = None,
) -> Predictor:
    """Train a network on a data set and write it to disk.

    The training part is divided, stratified by seed, into one to train on and one to validate on; the weights of
    the epoch that did best in validation are kept, scored once on the test part and saved.

    Args:
        data: `mnist` (the default), or the path of a data set (`kerascnn.datasets.load_dataset`).
        architecture: the network, a name of `kerascnn.models.ARCHITECTURES`; `cnn` by default.
        recipe: `quick` (the default) or `best`; the values from `epochs` to `outliers` override the recipe's.
        epochs: passes over the training part.
        batch_size: samples a step.
        optimizer: `adam` or `muon`.
        learning_rate: the peak of the schedule.
        schedule: `cosine` or `constant`.
        warmup: share of all steps in which the learning rate rises from zero.
        dropout_rates: of the network's dropout layers, in order.
        augmentation: strength of the random changes to training images, 0 for none.
        final_augmentation: the same in the last epoch, approached little by little.
        label_smoothing: share of each target that is spread over all classes.
        weight_averaging: momentum of a moving average of the weights, which is validated and kept in their place.
        outliers: pictures that are no digits, as a share of each batch.
        validation_split: share of the training part that is validated on, 0.2 by default.
        seed: of weights, division, order and augmentation; 0 by default.
        split_seed: of the division alone, `seed` by default; models with the same one are validated on the same images.
        output: the `.keras` file, `saved_models/DATA_ARCHITECTURE.keras` by default.
        backend: tensorflow, jax or torch.
        patience: epochs without improvement after which training stops; never by default.
        resume: continue the interrupted run beside `output`, with its settings.
        dry_run: a few batches of everything, in a temporary directory that is removed.
        tensorboard: directory for TensorBoard's logs.
        progress: is told what happens.

    Returns:
        The trained model.

    Raises:
        TrainingError: if a value is impossible, or there is no run to resume.
        ModelError: if there is no such architecture, or it cannot take these images or dropout rates.
        DataError: if the data are missing or malformed.
        BackendError: if the backend is unknown, missing, or another one is running already.
        OutputError: if the result cannot be written.

    Example:
        >>> model = kerascnn.fit(epochs=1)
        >>> model.card.metrics["test_accuracy"] > 0.98
        True
    """
    request = RunRequest(
        data=None if data is None else str(data),
        architecture=architecture,
        recipe=recipe,
        changes={
            "epochs": epochs,
            "batch_size": batch_size,
            "optimizer": optimizer,
            "learning_rate": learning_rate,
            "schedule": schedule,
            "warmup": warmup,
            "dropout_rates": None if dropout_rates is None else tuple(dropout_rates),
            "augmentation": augmentation,
            "final_augmentation": final_augmentation,
            "label_smoothing": label_smoothing,
            "weight_averaging": weight_averaging,
            "outliers": outliers,
        },
        validation_split=validation_split,
        seed=seed,
        split_seed=split_seed,
        patience=patience,
        backend=backend,
    )
    progress = progress or NoProgress()
    _require_tensorboard(tensorboard)
    if dry_run:
        with tempfile.TemporaryDirectory(prefix="kerascnn-dry-run-") as name:
            target = Path(name) / output_path(request, output).name
            settings = _few_epochs(new_settings(request))
            return _run(settings, target, False, True, tensorboard and Path(name) / "logs", progress)
    path = output_path(request, output)
    directory = RunDirectory(path)
    settings = resumed_settings(request, directory) if resume else new_settings(request)
    if not resume and directory.exists():
        progress.message(
            f"{directory.path} holds an interrupted run ({len(directory.read().history)} epochs done); --resume would "
            "continue it. This new run replaces it after its first epoch."
        )
    return _run(settings, path, resume, False, tensorboard, progress)


def _run(
    settings: RunSettings,
    path: Path,
    resume: bool,
    dry_run: bool,
    tensorboard: str | Path | None,
    progress: Progress,
) -> Predictor:
    directory = RunDirectory(path)
    require_replaceable(path, _SUFFIXES)
    directory.require_own()
    work = work_for(settings, dry_run, progress)
    # Better now than after hours of training: is there a place for the result?
    with staging_directory(path):
        pass
    if resume and directory.read().data_digest != work.digest:
        raise TrainingError(f"the data set {settings.data!r} has changed since the run at {directory.path} began.")
    with freed_memory_kept(), opencv_on_one_thread():
        activate(settings.backend)
        from kerascnn.training.loop import train_model

        model, history, best = train_model(settings, work.task(), work.digest, directory, resume, tensorboard, progress)
    engine = KerasEngine(model)
    card = work.judged(_card(settings, path, work, history, best, model), engine)
    card = _write(model, card, path, settings, progress)
    directory.remove()
    return Predictor(engine, card, path)


def work_for(settings: RunSettings, dry_run: bool, progress: Progress) -> Classification | Segmentation:
    """The data of a run, and what is to be learned from them.

    Args:
        settings: of the run.
        dry_run: a few samples of everything.
        progress: is told what happens.
    """
    if ARCHITECTURES[settings.architecture].segments:
        return Segmentation(settings, dry_run, progress)
    return Classification(settings, dry_run)


def _few_epochs(settings: RunSettings) -> RunSettings:
    epochs = min(settings.recipe.epochs, _DRY_RUN_EPOCHS)
    return replace(settings, recipe=replace(settings.recipe, epochs=epochs))


def _card(
    settings: RunSettings, path: Path, work: Classification | Segmentation, history: list[dict], best: dict, model
) -> Card:
    return Card(
        name=path.stem,
        architecture=settings.architecture,
        input_shape=tuple(model.input_shape[1:]),
        class_names=work.class_names,
        preparation=work.preparation,
        recipe={"name": settings.recipe_name, **settings.recipe.to_dict(), "patience": settings.patience},
        seed=settings.seed,
        data={
            **work.facts(),
            "validation_split": settings.validation_split,
            "split_seed": settings.split_seed,
        },
        software=software(settings.backend),
        history=history,
        metrics={
            "best_epoch": best["epoch"],
            "val_accuracy": best["val_accuracy"],
            "val_loss": best["val_loss"],
        },
        command=settings.command(path),
    )


def _write(model, card: Card, path: Path, settings: RunSettings, progress: Progress) -> Card:
    from kerascnn.saving.onnx_files import export_onnx
    from kerascnn.training.learning_curves import draw_learning_curves

    with staging_directory(path) as directory:
        staged = {suffix: directory / f"model{suffix}" for suffix in _SUFFIXES}
        save_without_optimizer(model, staged[".keras"])
        progress.message("converting to ONNX ...")
        export_onnx(staged[".keras"], staged[".onnx"])
        speed = {"milliseconds_per_picture": measure_latency(staged[".onnx"], card.input_shape[:2])}
        staged[".csv"].write_bytes(history_csv(card.history))
        title = f"{card.name}: {card.architecture} on {card.data['name']}, {settings.backend}"
        draw_learning_curves(card.history, title, staged[".png"])
        return save(path, staged, replace(card, metrics={**card.metrics, **speed}))


def _require_tensorboard(directory: str | Path | None) -> None:
    import importlib.util

    if directory is not None and importlib.util.find_spec("tensorboard") is None:
        raise TrainingError("--tensorboard needs TensorBoard; pip install 'kerascnn[tensorboard]' adds it.")
