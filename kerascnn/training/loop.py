"""Compile a model, restore its state if there is one, and call `model.fit`."""

import random
from pathlib import Path

import keras

from kerascnn.training.acceleration.accelerated_model import fast_clone, keep_compiled_programs
from kerascnn.training.callbacks import (
    InterruptBetweenBatches,
    KeepBest,
    RecordHistory,
    ReportProgress,
    Reseed,
    SaveRun,
    UseAverages,
)
from kerascnn.training.optimizer import make_optimizer
from kerascnn.training.progress import Progress, RunStart
from kerascnn.training.recipe import Recipe
from kerascnn.training.run_directory import RunDirectory, RunState
from kerascnn.training.run_settings import RunSettings
from kerascnn.training.task import Task
from kerascnn.utils.errors import TrainingError


def train_model(
    settings: RunSettings,
    task: Task,
    data_digest: str,
    directory: RunDirectory,
    resume: bool,
    tensorboard: str | Path | None,
    progress: Progress,
) -> tuple[keras.Model, list[dict], dict]:
    """Train to the end of the recipe, or until the patience runs out.

    Args:
        settings: what to do.
        task: the network, what it learns from and how it is judged.
        data_digest: of the data, saved with the run.
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
    model = task.build()
    keep_compiled_programs()
    trained = fast_clone(model)
    compile_model(trained, recipe, len(task.batches), task.loss, task.accuracy)
    best = KeepBest(settings.patience)
    record = RecordHistory([])
    if resume:
        _restore(trained, best, record, directory)
    first_epoch = len(record.history)
    progress.run_started(_start(settings, task, model, first_epoch))
    callbacks = [
        Reseed(task.batches, seed),
        *([UseAverages(resumed=first_epoch > 0)] if recipe.weight_averaging else []),
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
                task.batches,
                validation_data=task.validation,
                epochs=recipe.epochs,
                initial_epoch=first_epoch,
                callbacks=[*callbacks, interrupt],
                shuffle=False,  # the batches have their own order; Keras would shuffle the batches again, unseeded
                verbose=0,
            )
    model.set_weights(best.weights)
    return model, record.history, best.state


def compile_model(
    model: keras.Model,
    recipe: Recipe,
    steps_per_epoch: int,
    loss: keras.losses.Loss,
    accuracy: keras.metrics.Metric,
) -> None:
    """Give a model its optimizer with the schedule over the whole run, its loss and its metric.

    Args:
        model: ends in probabilities.
        recipe: the hyper-parameters.
        steps_per_epoch: batches an epoch.
        loss: of its probabilities.
        accuracy: of its probabilities.
    """
    model.compile(
        optimizer=make_optimizer(recipe, recipe.epochs * steps_per_epoch),
        loss=loss,
        metrics=[accuracy],
    )


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


def _start(settings: RunSettings, task: Task, model: keras.Model, first_epoch: int) -> RunStart:
    return RunStart(
        train_shape=task.train_shape,
        labels_shape=task.labels_shape,
        num_validation=task.num_validation,
        architecture=settings.architecture,
        num_parameters=model.count_params(),
        backend=settings.backend,
        epochs=settings.recipe.epochs,
        first_epoch=first_epoch,
        steps=len(task.batches),
    )
