"""Compile a model, restore its state if there is one, and call `model.fit`."""

import random
from pathlib import Path

import keras
import numpy as np

from kerascnn import models
from kerascnn.backend import silent_stderr
from kerascnn.datasets import DIGITS, Dataset
from kerascnn.datasets.outliers import make_outliers
from kerascnn.datasets.stored import Selection
from kerascnn.errors import TrainingError
from kerascnn.training.batches import TrainingBatches, ValidationBatches
from kerascnn.training.callbacks import (
    InterruptBetweenBatches,
    KeepBest,
    RecordHistory,
    ReportProgress,
    Reseed,
    SaveRun,
)
from kerascnn.training.fast_clone import fast_clone, keep_compiled_programs
from kerascnn.training.optimizer import make_optimizer
from kerascnn.training.progress import Progress, RunStart
from kerascnn.training.recipe import Recipe
from kerascnn.training.run_directory import RunDirectory, RunState
from kerascnn.training.settings import RunSettings

_VALIDATION_BATCH_SIZE = 512
_OUTLIER_POOL = 12_000  # pictures; each is augmented anew whenever it is drawn
_OUTLIER_STREAM = 1 << 40  # keeps the pool's random numbers apart from those of every (seed, epoch)


def train_model(
    settings: RunSettings,
    dataset: Dataset,
    train: np.ndarray,
    validation: np.ndarray,
    data_digest: str,
    directory: RunDirectory,
    resume: bool,
    tensorboard: str | Path | None,
    progress: Progress,
) -> tuple[keras.Model, list[dict], dict]:
    """Train to the end of the recipe, or until the patience runs out.

    Args:
        settings: what to do.
        dataset: the data.
        train: indices into the training part to train on.
        validation: indices into the training part to validate on.
        data_digest: of the data set, saved with the run.
        directory: where the run's state is saved after each epoch.
        resume: begin from the state saved there.
        tensorboard: directory for TensorBoard's logs, or None.
        progress: is told what happens.

    Returns:
        The model with the best epoch's weights, the history, and the values of the best epoch.
    """
    recipe, seed = settings.recipe, settings.seed
    # Initialisers and random layers draw their seeds from Python's generator. `keras.utils.set_random_seed` would do no
    # more for us, and import TensorFlow under every backend.
    random.seed(seed)
    digits = dataset.class_names == DIGITS
    batches = TrainingBatches(
        Selection(dataset.train_images, train),
        dataset.train_labels[train],
        recipe.batch_size,
        seed,
        recipe.augmentation_in,
        num_classes=len(dataset.class_names),
        digits=digits,
        outliers=recipe.outliers if digits else 0.0,
        pool=_outlier_pool(dataset, train, seed) if digits and recipe.outliers else None,
    )
    model = models.build(
        settings.architecture,
        (*dataset.image_size, 1),
        len(dataset.class_names),
        dropout_rates=recipe.dropout_rates,
    )
    keep_compiled_programs()
    trained = fast_clone(model)
    compile_model(trained, recipe, len(batches))
    best = KeepBest(settings.patience)
    record = RecordHistory([])
    if resume:
        _restore(trained, best, record, directory)
    first_epoch = len(record.history)
    progress.run_started(_start(settings, batches, validation, model, first_epoch))
    callbacks = [
        Reseed(batches, seed),
        best,
        record,
        SaveRun(directory, settings.to_dict(), data_digest, best, record),
        ReportProgress(progress, record),
    ]
    if tensorboard is not None:
        callbacks.append(keras.callbacks.TensorBoard(str(tensorboard), write_graph=False))
    if not best.exhausted():
        with InterruptBetweenBatches() as interrupt:
            trained.fit(
                batches,
                validation_data=ValidationBatches(
                    Selection(dataset.train_images, validation),
                    dataset.train_labels[validation],
                    _VALIDATION_BATCH_SIZE,
                    len(dataset.class_names),
                ),
                epochs=recipe.epochs,
                initial_epoch=first_epoch,
                callbacks=[*callbacks, interrupt],
                shuffle=False,  # `TrainingBatches` has its own order; Keras would shuffle the batches again, unseeded
                verbose=0,
            )
    model.set_weights(best.weights)
    return model, record.history, best.state


class AccuracyOfDecided(keras.metrics.CategoricalAccuracy):
    """Accuracy over the samples that belong to a class; outliers, whose target is undecided, do not count."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Count a batch: targets and probabilities, `(batch, num_classes)`."""
        decided = keras.ops.cast(keras.ops.max(y_true, axis=-1) > 0.5, "float32")
        super().update_state(y_true, y_pred, sample_weight=decided)


def _outlier_pool(dataset: Dataset, train: np.ndarray, seed: int) -> np.ndarray:
    generator = np.random.default_rng([seed, _OUTLIER_STREAM])
    count = min(_OUTLIER_POOL, 4 * len(train))
    return make_outliers(count, Selection(dataset.train_images, train), dataset.train_labels[train], generator)


def compile_model(model: keras.Model, recipe: Recipe, steps_per_epoch: int) -> None:
    """Give a model its optimizer with the schedule over the whole run, its loss and its metric.

    Args:
        model: ends in probabilities; so the loss must not apply another softmax, which would flatten the gradients.
        recipe: the hyper-parameters.
        steps_per_epoch: batches an epoch.
    """
    model.compile(
        optimizer=make_optimizer(recipe, recipe.epochs * steps_per_epoch),
        loss=keras.losses.CategoricalCrossentropy(from_logits=False),
        metrics=[AccuracyOfDecided(name="accuracy")],
    )


def save_without_optimizer(model: keras.Model, path: Path) -> None:
    """Save a copy that was never compiled: a third of the size of a file with the optimizer's state.

    Args:
        model: any.
        path: the `.keras` file.
    """
    with silent_stderr():
        copy = type(model).from_config(model.get_config())
        copy.set_weights(model.get_weights())
        copy.save(path)


def _restore(model: keras.Model, best: KeepBest, record: RecordHistory, directory: RunDirectory) -> None:
    state: RunState = directory.load()
    model.optimizer.build(model.trainable_variables)
    try:
        model.set_weights(state.arrays["weights"])
        for variable, value in zip(model.optimizer.variables, state.arrays["optimizer"], strict=True):
            variable.assign(value)
    except ValueError as error:
        raise TrainingError(
            f"the state at {directory.path} does not fit the model; start a new run without --resume."
        ) from error
    best.restore(state.best, state.arrays["best_weights"])
    record.history.extend(state.history)


def _start(
    settings: RunSettings,
    batches: TrainingBatches,
    validation: np.ndarray,
    model: keras.Model,
    first_epoch: int,
) -> RunStart:
    return RunStart(
        train_shape=batches.images.shape,
        labels_shape=batches.labels.shape,
        num_validation=len(validation),
        architecture=settings.architecture,
        num_parameters=model.count_params(),
        backend=settings.backend,
        epochs=settings.recipe.epochs,
        first_epoch=first_epoch,
        steps=len(batches),
    )
