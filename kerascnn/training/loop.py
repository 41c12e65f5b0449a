"""Compile a model, restore its state if there is one, and call `model.fit`."""

import random
from pathlib import Path

import keras
import numpy as np

from kerascnn import models
from kerascnn.backend import silent_stderr
from kerascnn.datasets import DIGITS, Dataset
from kerascnn.errors import TrainingError
from kerascnn.training.batches import TrainingBatches, as_input
from kerascnn.training.callbacks import KeepBest, RecordHistory, ReportProgress, Reseed, SaveRun
from kerascnn.training.progress import Progress, RunStart
from kerascnn.training.recipe import Recipe
from kerascnn.training.run_directory import RunDirectory, RunState
from kerascnn.training.settings import RunSettings

_VALIDATION_BATCH_SIZE = 512


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
    batches = TrainingBatches(
        dataset.train_images[train],
        dataset.train_labels[train],
        recipe.batch_size,
        seed,
        recipe.augmentation,
        digits=dataset.class_names == DIGITS,
    )
    model = models.build(
        settings.architecture,
        (*dataset.image_size, 1),
        len(dataset.class_names),
        dropout_rates=recipe.dropout_rates,
    )
    compile_model(model, recipe, len(batches))
    best = KeepBest(settings.patience)
    record = RecordHistory([])
    if resume:
        _restore(model, best, record, directory)
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
        model.fit(
            batches,
            validation_data=(as_input(dataset.train_images[validation]), dataset.train_labels[validation]),
            validation_batch_size=_VALIDATION_BATCH_SIZE,
            epochs=recipe.epochs,
            initial_epoch=first_epoch,
            callbacks=callbacks,
            shuffle=False,  # `TrainingBatches` has its own order; Keras would shuffle the batches once more, unseeded
            verbose=0,
        )
    model.set_weights(best.weights)
    return model, record.history, best.state


def compile_model(model: keras.Model, recipe: Recipe, steps_per_epoch: int) -> None:
    """Give a model its optimizer with the schedule over the whole run, its loss and its metric.

    Args:
        model: ends in probabilities; so the loss must not apply another softmax, which would flatten the gradients.
        recipe: the hyper-parameters.
        steps_per_epoch: batches an epoch.
    """
    steps = recipe.epochs * steps_per_epoch
    warmup = max(1, round(recipe.warmup * steps))
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        warmup_target=recipe.learning_rate,
        warmup_steps=warmup,
        decay_steps=max(1, steps - warmup),
    )
    model.compile(
        optimizer=keras.optimizers.Adam(schedule),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=False),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
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
    settings: RunSettings, batches: TrainingBatches, validation: np.ndarray, model: keras.Model, first_epoch: int
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
