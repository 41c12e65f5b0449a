"""The task of a U-Net: to classify every pixel of a page."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kerascnn import models
from kerascnn.datasets.labelled_pages import NUM_TEST_PAGES, digest_pages, make_test_pages, make_training_pages
from kerascnn.evaluation.segmentation_scores import score_pages
from kerascnn.images.page_segmentation import CLASS_NAMES
from kerascnn.inference.engines import KerasEngine
from kerascnn.saving.card import Card
from kerascnn.training.run_settings import SYNTHETIC, Run
from kerascnn.utils.errors import TrainingError

if TYPE_CHECKING:
    import keras

    from kerascnn.training.task import TrainingInputs

_NUM_PAGES = 1500
_SEEDS_A_DIVISION = 1_000_000
_DRY_RUN_PAGES, _DRY_RUN_SHARE = 10, 0.5
TILE = 128
"""Height and width of the crops that the network is trained on, in pixels."""


class SegmentationTask:
    """Synthetic pages, split for one run.

    Args:
        run: Run that they are for.

    Raises:
        TrainingError: If the run names other data.
    """

    class_names, preparation = CLASS_NAMES, "page"

    def __init__(self, run: Run) -> None:
        self._run, settings, dry_run = run, run.settings, run.options.dry_run
        num_pages = min(_num_pages(run), _DRY_RUN_PAGES) if dry_run else _num_pages(run)
        run.options.progress.message(f"making {num_pages:,} pages to learn from ...")
        # Another split has other pages altogether.
        pages = make_training_pages(num_pages, settings.split_seed * _SEEDS_A_DIVISION)
        self.digest = digest_pages(pages)
        num_validation = max(1, round((_DRY_RUN_SHARE if dry_run else settings.validation_split) * len(pages)))
        self._train, self._validation = pages[num_validation:], pages[:num_validation]
        self._test_pages = make_test_pages(_DRY_RUN_PAGES if dry_run else NUM_TEST_PAGES)

    def facts(self) -> dict[str, Any]:
        """Describe the data for the card: their name, digest and sizes."""
        return {
            "name": self._run.settings.data,
            "digest": self.digest,
            "num_train": len(self._train),
            "num_validation": len(self._validation),
        }

    def list_notes(self, card: Card) -> list[str]:
        """List what is worth knowing of the scored network; of this one there is nothing."""
        return []

    def inputs(self) -> "TrainingInputs":
        """Make the batches; Keras must be active."""
        import keras

        from kerascnn.training.metrics import AccuracyOfInk
        from kerascnn.training.page_batches import CropBatches
        from kerascnn.training.task import TrainingInputs

        recipe, settings = self._run.settings.recipe, self._run.settings
        batches = CropBatches(self._train, TILE, recipe.batch_size, settings.seed, recipe.augmentation_in)
        validation = CropBatches(self._validation, TILE, recipe.batch_size, settings.split_seed, lambda epoch: 0.0)
        return TrainingInputs(
            build=self._build,
            batches=batches,
            validation=validation,
            loss=keras.losses.CategoricalCrossentropy(from_logits=False, label_smoothing=recipe.label_smoothing),
            accuracy=AccuracyOfInk(name="accuracy"),
            train_shape=(batches.num_crops, TILE, TILE),
            labels_shape=(batches.num_crops, TILE, TILE),
            num_validation=validation.num_crops,
        )

    def calibrate_and_score(self, card: Card, engine: KerasEngine) -> Card:
        """Score the trained network on pages of test digits and return its card with the results.

        It is not calibrated.
        """
        score = score_pages(engine, TILE, self._test_pages)
        return replace(card, metrics={**card.metrics, **score.metrics()})

    def _build(self) -> "keras.Model":
        rates = self._run.settings.recipe.dropout_rates
        network = models.build(self._run.network, (TILE, TILE, 1), len(CLASS_NAMES), rates)
        if self._run.initial_model:
            self._run.initial_model.copy_weights(network, CLASS_NAMES)
        return network


def _num_pages(run: Run) -> int:
    """Read the number of pages: `synthetic` or `synthetic:NUMBER`."""
    settings = run.settings
    name, _, number = settings.data.partition(":")
    if name != SYNTHETIC or (":" in settings.data and not number.isdecimal()):
        raise TrainingError(
            f"the architecture {run.network.name!r} learns from pages that are made for it, not from --data "
            f"{settings.data}; leave that out, or say how many pages, such as --data {SYNTHETIC}:{_NUM_PAGES}."
        )
    if number and not 2 <= int(number) <= _SEEDS_A_DIVISION:
        raise TrainingError(f"{number} pages are too few or too many; expected 2 to {_SEEDS_A_DIVISION:,}.")
    return int(number or _NUM_PAGES)
