"""The task of most networks: to say which class a picture shows."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from kerascnn import models
from kerascnn.datasets import DIGITS, Dataset, load_dataset, stratified_split
from kerascnn.datasets.augmentation.outliers import make_outliers
from kerascnn.datasets.stored_images import Selection
from kerascnn.evaluation.calibration import fit_temperature, fold_temperature, rejection_threshold
from kerascnn.evaluation.scoring import scored
from kerascnn.inference.engines import KerasEngine
from kerascnn.saving.card import Card
from kerascnn.training.run_settings import RunSettings

if TYPE_CHECKING:
    from kerascnn.training.task import Task

_DRY_RUN_BATCHES = 3
_VALIDATION_BATCH_SIZE = 512
_OUTLIER_POOL = 12_000  # pictures; each is augmented anew whenever it is drawn
_OUTLIER_STREAM = 1 << 40  # keeps the pool's random numbers apart from those of every (seed, epoch)


class Classification:
    """A data set, divided for one run.

    Args:
        settings: of the run.
        dry_run: a few batches of everything.
    """

    def __init__(self, settings: RunSettings, dry_run: bool) -> None:
        self._settings = settings
        dataset = load_dataset(settings.data, seed=settings.split_seed)
        self.digest = dataset.digest()
        train, validation = stratified_split(dataset.train_labels, settings.validation_split, settings.split_seed)
        if dry_run:
            dataset, train, validation = _small(dataset, train, validation, settings.recipe.batch_size)
        self._dataset, self._train, self._validation = dataset, train, validation
        self.class_names, self.preparation = dataset.class_names, dataset.preparation
        self._digits = dataset.class_names == DIGITS

    def facts(self) -> dict:
        """What the card says of the data."""
        return {
            "name": self._dataset.name,
            "digest": self.digest,
            "num_train": len(self._train),
            "num_validation": len(self._validation),
            "num_test": len(self._dataset.test_labels),
        }

    def task(self) -> "Task":
        """The network and its batches; Keras must be active."""
        import keras

        from kerascnn.training.batches import TrainingBatches, ValidationBatches
        from kerascnn.training.metrics import AccuracyOfDecided
        from kerascnn.training.task import Task

        dataset, train, validation, recipe = self._dataset, self._train, self._validation, self._settings.recipe
        outliers = recipe.outliers if self._digits else 0.0
        batches = TrainingBatches(
            Selection(dataset.train_images, train),
            dataset.train_labels[train],
            recipe.batch_size,
            self._settings.seed,
            recipe.augmentation_in,
            num_classes=len(dataset.class_names),
            digits=self._digits,
            outliers=outliers,
            pool=self._outlier_pool() if outliers else None,
        )
        return Task(
            build=self._network,
            batches=batches,
            validation=ValidationBatches(
                Selection(dataset.train_images, validation),
                dataset.train_labels[validation],
                _VALIDATION_BATCH_SIZE,
                len(dataset.class_names),
            ),
            # The network ends in probabilities; so the loss must not apply another softmax, which would flatten the
            # gradients.
            loss=keras.losses.CategoricalCrossentropy(from_logits=False, label_smoothing=recipe.label_smoothing),
            accuracy=AccuracyOfDecided(name="accuracy"),
            train_shape=batches.images.shape,
            labels_shape=batches.labels.shape,
            num_validation=len(validation),
        )

    def judged(self, card: Card, engine: KerasEngine) -> Card:
        """Calibrate the trained network, then score it: the card with what was done and found.

        The temperature is folded into the network's last layer.
        """
        images = Selection(self._dataset.train_images, self._validation)
        labels = self._dataset.train_labels[self._validation]
        temperature = fit_temperature(engine.probabilities(images), labels)
        fold_temperature(engine.model, temperature)
        # Only a network that has seen outliers is unsure of what is no digit.
        sees_outliers = self._settings.recipe.outliers and self._digits
        threshold = rejection_threshold(engine.probabilities(images)) if sees_outliers else None
        return scored(replace(card, temperature=temperature, rejection_threshold=threshold), engine, self._dataset)

    def _network(self):
        return models.build(
            self._settings.architecture,
            (*self._dataset.image_size, 1),
            len(self._dataset.class_names),
            dropout_rates=self._settings.recipe.dropout_rates,
        )

    def _outlier_pool(self) -> np.ndarray:
        generator = np.random.default_rng([self._settings.seed, _OUTLIER_STREAM])
        count = min(_OUTLIER_POOL, 4 * len(self._train))
        images, labels = Selection(self._dataset.train_images, self._train), self._dataset.train_labels[self._train]
        return make_outliers(count, images, labels, generator)


def _small(
    dataset: Dataset, train: np.ndarray, validation: np.ndarray, batch_size: int
) -> tuple[Dataset, np.ndarray, np.ndarray]:
    count = batch_size * _DRY_RUN_BATCHES
    short = replace(dataset, test_images=dataset.test_images[:count], test_labels=dataset.test_labels[:count])
    generator = np.random.default_rng(0)
    return short, generator.permutation(train)[:count], generator.permutation(validation)[:count]
