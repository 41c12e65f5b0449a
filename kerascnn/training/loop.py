"""Compile a model, restore its state if there is one, and call `model.fit`."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import keras

from kerascnn.training.acceleration.accelerated_model import accelerate, compilation_cache
from kerascnn.training.batch_memory import count_batch_bytes, describe_batch, find_memory
from kerascnn.training.callbacks import (
    DivergenceError,
    InterruptBetweenBatches,
    KeepBest,
    RecordHistory,
    ReportProgress,
    Reseed,
    SaveRun,
    StopAtDivergence,
)
from kerascnn.training.history import BestEpoch, EpochRow
from kerascnn.training.keras_internals import UseAverages
from kerascnn.training.optimizer import make_optimizer
from kerascnn.training.progress import RunStart
from kerascnn.training.recipe import Recipe
from kerascnn.training.run_directory import RunDirectory
from kerascnn.training.run_settings import Run
from kerascnn.training.task import TrainingInputs
from kerascnn.utils.errors import TrainingError


class TrainingResult(NamedTuple):
    """The model with the weights of the best epoch, the history, and the metrics of the best epoch."""

    model: keras.Model
    history: list[EpochRow]
    best: BestEpoch


def train_model(run: Run, inputs: TrainingInputs, data_digest: str) -> TrainingResult:
    """Start or resume a run and train to the end of the recipe, or until the patience runs out.

    Args:
        run: Run to start or to resume.
        inputs: Network and its data.
        data_digest: Digest of the data, saved with the run.
    """
    settings, recipe = run.settings, run.settings.recipe
    best, record = KeepBest(settings.patience), RecordHistory()
    with seed_initializers(settings.seed):
        model = inputs.build()
        _announce_batch(run, inputs, model)
        trained = accelerate(model)
        compile_model(trained, recipe, len(inputs.batches), inputs.loss, inputs.accuracy)
        if run.options.resume:
            _restore(trained, best, record, run.directory)
        first_epoch = len(record.history)
        run.options.progress.run_started(_start(run, inputs, model, first_epoch))
        with compilation_cache(), InterruptBetweenBatches() as interrupt:
            callbacks = [
                Reseed(inputs.batches, settings.seed),
                StopAtDivergence(),
                *([UseAverages(resumed=first_epoch > 0)] if recipe.weight_averaging else []),
                best,
                record,
                SaveRun(run.directory, settings.to_dict(), data_digest, best, record),
                ReportProgress(run.options.progress, record),
                *_tensorboard(run.options.tensorboard),
                *run.options.callbacks,
                interrupt,
            ]
            if not best.is_exhausted():
                with _explain_divergence(run, best):
                    trained.fit(
                        inputs.batches,
                        validation_data=inputs.validation,
                        epochs=recipe.epochs,
                        initial_epoch=first_epoch,
                        callbacks=callbacks,
                        shuffle=False,  # The batches have their own order; Keras would shuffle them again, unseeded.
                        verbose=0,
                    )
    model.set_weights(best.weights)
    return TrainingResult(model, record.history, best.state)


@contextmanager
def _explain_divergence(run: Run, best: KeepBest) -> Iterator[None]:
    """Let a run whose loss is no number any more end with its best epoch; raise TrainingError if there is none."""
    try:
        yield
    except DivergenceError as error:
        run.options.progress.training_finished()
        advice = f"a --learning-rate below {run.settings.recipe.learning_rate:g} may help."
        if best.state["epoch"] is None:
            raise TrainingError(f"{error}, so that nothing was learnt and no model is written; {advice}") from error
        run.options.progress.message(f"note: {error}; the weights of epoch {best.state['epoch']} are kept; {advice}")


@contextmanager
def seed_initializers(seed: int) -> Iterator[None]:
    """Let initializers and random layers draw their seeds by a seed of ours inside the block.

    They draw them from Python's own generator, whose state is restored afterwards. `keras.utils.set_random_seed` would
    do no more for us, and import TensorFlow under every backend.
    """
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


def compile_model(
    model: keras.Model, recipe: Recipe, steps_per_epoch: int, loss: keras.losses.Loss, accuracy: keras.metrics.Metric
) -> None:
    """Give a model that ends in probabilities its loss, its metric and its optimizer, scheduled over the whole run."""
    # Where classes have weights, they count in the accuracy, too: by it the best epoch is chosen.
    metrics = "weighted_metrics" if recipe.class_weights == "balanced" else "metrics"
    model.compile(optimizer=make_optimizer(recipe, recipe.epochs * steps_per_epoch), loss=loss, **{metrics: [accuracy]})


def _restore(model: keras.Model, best: KeepBest, record: RecordHistory, directory: RunDirectory) -> None:
    state = directory.load()
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


def _tensorboard(directory: str | Path | None) -> list[keras.callbacks.Callback]:
    return [] if directory is None else [keras.callbacks.TensorBoard(str(directory), write_graph=False)]


def _announce_batch(run: Run, inputs: TrainingInputs, model: keras.Model) -> None:
    """Say before the first step what a large batch needs; raise TrainingError where it cannot be."""
    batch_size = min(run.settings.recipe.batch_size, inputs.train_shape[0])
    shapes = [shape for layer in model.layers for shape in _output_shapes(layer)]
    num_bytes = count_batch_bytes(shapes, batch_size)
    text = describe_batch(num_bytes, batch_size, find_memory())
    if text is not None:
        run.options.progress.message(f"note: {text}")


def _output_shapes(layer: keras.Layer) -> list[tuple[int | None, ...]]:
    try:
        return [output.shape for output in keras.tree.flatten(layer.output)]
    except (AttributeError, ValueError):  # Layers of a subclassed model are connected while it runs, not before.
        return []


def _start(run: Run, inputs: TrainingInputs, model: keras.Model, first_epoch: int) -> RunStart:
    return RunStart(
        train_shape=inputs.train_shape,
        labels_shape=inputs.labels_shape,
        num_validation=inputs.num_validation,
        architecture=run.network.name,
        num_parameters=model.count_params(),
        backend=run.settings.backend,
        epochs=run.settings.recipe.epochs,
        first_epoch=first_epoch,
        steps=len(inputs.batches),
    )
