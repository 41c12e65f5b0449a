"""The task of most networks: to classify a picture."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn import models
from kerascnn.datasets import Dataset, load_dataset
from kerascnn.datasets.labels import name_digits
from kerascnn.datasets.stored_images import Selection
from kerascnn.evaluation.calibration import fit_rejection_threshold, fit_temperature, fold_temperature
from kerascnn.evaluation.scoring import score_test_set
from kerascnn.inference.engines import KerasEngine
from kerascnn.saving.card import Card
from kerascnn.training.outcome import describe_doubt, describe_weak_classes, require_learning
from kerascnn.training.run_settings import Run
from kerascnn.utils.errors import ModelError

if TYPE_CHECKING:
    import keras

    from kerascnn.training.task import TrainingInputs

_DRY_RUN_BATCHES = 3
_VALIDATION_BATCH_SIZE = 512


class ClassificationTask:
    """A data set, split for one run.

    Args:
        run: Run that it is for.
    """

    def __init__(self, run: Run) -> None:
        self._run, self._recipe, settings = run, run.settings.recipe, run.settings
        preparation = settings.preparation or (run.initial_model.preparation if run.initial_model else None)
        dataset = load_dataset(run.data, seed=settings.split_seed, preparation=preparation, on_note=self._say)
        self.digest = dataset.digest()
        train, validation = dataset.divide_training_part(settings.validation_split, settings.split_seed)
        if run.options.dry_run:
            dataset, train, validation = _shorten(dataset, train, validation, settings.recipe.batch_size)
        self._dataset, self._train, self._validation = dataset, train, validation
        self.class_names, self.preparation = dataset.class_names, dataset.preparation
        self._digits = name_digits(dataset.class_names)
        self._predicted = np.zeros(0, np.int64)

    def _say(self, text: str) -> None:
        self._run.options.progress.message(f"note: {text}")

    def facts(self) -> dict[str, Any]:
        """Name, digest and sizes of the data, for the card."""
        return {
            "name": self._dataset.name,
            "digest": self.digest,
            "num_train": len(self._train),
            "num_validation": len(self._validation),
            "num_test": len(self._dataset.test_labels),
        }

    def inputs(self) -> "TrainingInputs":
        """Make the batches; Keras must be active."""
        import keras

        from kerascnn.training.batches import TrainingBatches, ValidationBatches
        from kerascnn.training.metrics import AccuracyOfDecided
        from kerascnn.training.task import TrainingInputs

        dataset, train, validation, recipe = self._dataset, self._train, self._validation, self._recipe
        batches = TrainingBatches(
            Selection(dataset.train_images, train),
            dataset.train_labels[train],
            recipe,
            self._run.settings.seed,
            num_classes=len(dataset.class_names),
            digits=self._digits,
            outliers=dataset.outliers,
        )
        return TrainingInputs(
            build=self._build,
            batches=batches,
            validation=ValidationBatches(
                Selection(dataset.train_images, validation),
                dataset.train_labels[validation],
                _VALIDATION_BATCH_SIZE,
                len(dataset.class_names),
                balanced=recipe.class_weights == "balanced",
            ),
            # The network ends in probabilities. A second softmax in the loss would flatten the gradients.
            loss=keras.losses.CategoricalCrossentropy(from_logits=False, label_smoothing=recipe.label_smoothing),
            accuracy=AccuracyOfDecided(name="accuracy"),
            train_shape=batches.images.shape,
            labels_shape=batches.labels.shape,
            num_validation=len(validation),
        )

    def calibrate_and_score(self, card: Card, engine: KerasEngine) -> Card:
        """Calibrate the trained network, score it on the test part and return its card with the results.

        The temperature is folded into the network's last layer.
        """
        images = Selection(self._dataset.train_images, self._validation)
        labels = self._dataset.train_labels[self._validation]
        probabilities = engine.probabilities(images)
        self._predicted = probabilities.argmax(axis=1)
        if not self._run.options.dry_run:
            require_learning(self._predicted, labels, len(self.class_names))
        temperature = fit_temperature(probabilities, labels)
        fold_temperature(engine.model, temperature)
        threshold = fit_rejection_threshold(engine.probabilities(images)) if self._digits is not None else None
        card = replace(card, temperature=temperature, rejection_threshold=threshold)
        return score_test_set(card, engine, self._dataset)

    def list_notes(self, card: Card) -> list[str]:
        """List what is worth knowing of the scored network."""
        labels, count = self._dataset.train_labels, len(self.class_names)
        counts = np.bincount(labels[self._train], minlength=count)
        return [
            *describe_doubt(self._predicted, labels[self._validation], count),
            *describe_weak_classes(counts, card.metrics, self.class_names, self._recipe.class_weights),
        ]

    def _build(self) -> "keras.Model":
        shape = (*self._dataset.image_size, 1)
        network = models.build(self._run.network, shape, len(self.class_names), self._recipe.dropout_rates)
        _require_softmax_head(network)
        if self._run.initial_model:
            self._run.initial_model.copy_weights(network, self.class_names)
        return network


def _shorten(
    dataset: Dataset, train: np.ndarray[Any, Any], validation: np.ndarray[Any, Any], batch_size: int
) -> tuple[Dataset, np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Take a few batches of everything, for a dry run."""
    count = batch_size * _DRY_RUN_BATCHES
    short = replace(dataset, test_images=dataset.test_images[:count], test_labels=dataset.test_labels[:count])
    generator = np.random.default_rng(0)
    return short, generator.permutation(train)[:count], generator.permutation(validation)[:count]


def _require_softmax_head(network: "keras.Model") -> None:
    """Raise ModelError unless the last layer gives probabilities and can be calibrated, before hours of training."""
    head = network.layers[-1]
    activation = head.get_config().get("activation")
    if type(head).__name__ != "Dense" or activation != "softmax":
        raise ModelError(
            f"the network {network.name!r} ends in the layer {head.name!r}; expected Dense(num_classes, "
            "activation='softmax'), which gives probabilities."
        )
