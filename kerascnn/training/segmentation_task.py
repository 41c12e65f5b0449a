"""The task of a U-Net: to say of every pixel of a page what it shows."""

from dataclasses import replace
from typing import TYPE_CHECKING

from kerascnn import models
from kerascnn.datasets.labelled_pages import NUM_TEST_PAGES, digest_pages, make_test_pages, make_training_pages
from kerascnn.evaluation.segmentation_scores import score_pages
from kerascnn.images.page_segmentation import CLASS_NAMES
from kerascnn.inference.engines import KerasEngine
from kerascnn.saving.card import Card
from kerascnn.training.progress import Progress
from kerascnn.training.run_settings import SYNTHETIC, RunSettings
from kerascnn.utils.errors import TrainingError

if TYPE_CHECKING:
    from kerascnn.training.task import Task

_NUM_PAGES = 1500
_SEEDS_A_DIVISION = 1_000_000
_DRY_RUN_PAGES, _DRY_RUN_SHARE = 10, 0.5
TILE = 128
"""Height and width of what the network sees of a page, in pixels."""


class Segmentation:
    """Synthetic pages, divided for one run.

    Args:
        settings: of the run.
        dry_run: a few pages of everything.
        progress: is told what happens.

    Raises:
        TrainingError: if the data are to be others.
    """

    class_names, preparation = CLASS_NAMES, "page"

    def __init__(self, settings: RunSettings, dry_run: bool, progress: Progress) -> None:
        num_pages = min(_num_pages(settings), _DRY_RUN_PAGES) if dry_run else _num_pages(settings)
        self._settings = settings
        progress.message(f"making {num_pages:,} pages to learn from ...")
        # Another division has other pages altogether.
        pages = make_training_pages(num_pages, settings.split_seed * _SEEDS_A_DIVISION)
        self.digest = digest_pages(pages)
        num_validation = max(1, round((_DRY_RUN_SHARE if dry_run else settings.validation_split) * len(pages)))
        self._train, self._validation = pages[num_validation:], pages[:num_validation]
        self._test_pages = make_test_pages(_DRY_RUN_PAGES if dry_run else NUM_TEST_PAGES)

    def facts(self) -> dict:
        """What the card says of the data."""
        return {
            "name": self._settings.data,
            "digest": self.digest,
            "num_train": len(self._train),
            "num_validation": len(self._validation),
        }

    def task(self) -> "Task":
        """The network and its batches; Keras must be active."""
        import keras

        from kerascnn.training.metrics import AccuracyOfInk
        from kerascnn.training.page_batches import PartsOfPages
        from kerascnn.training.task import Task

        recipe, seed = self._settings.recipe, self._settings.seed
        batches = PartsOfPages(self._train, TILE, recipe.batch_size, seed, recipe.augmentation_in)
        validation = PartsOfPages(
            self._validation, TILE, recipe.batch_size, self._settings.split_seed, lambda epoch: 0.0
        )
        return Task(
            build=self._network,
            batches=batches,
            validation=validation,
            loss=keras.losses.CategoricalCrossentropy(from_logits=False, label_smoothing=recipe.label_smoothing),
            accuracy=AccuracyOfInk(name="accuracy"),
            train_shape=(batches.num_parts, TILE, TILE),
            labels_shape=(batches.num_parts, TILE, TILE),
            num_validation=validation.num_parts,
        )

    def judged(self, card: Card, engine: KerasEngine) -> Card:
        """Score the trained network on pages of test digits: the card with what was found."""
        score = score_pages(engine, TILE, self._test_pages)
        return replace(card, metrics={**card.metrics, **score.metrics()})

    def _network(self):
        rates = self._settings.recipe.dropout_rates
        return models.build(self._settings.architecture, (TILE, TILE, 1), len(CLASS_NAMES), dropout_rates=rates)


def _num_pages(settings: RunSettings) -> int:
    """How many pages are made: `synthetic` or `synthetic:NUMBER`."""
    name, _, number = settings.data.partition(":")
    if name != SYNTHETIC or (":" in settings.data and not number.isdecimal()):
        raise TrainingError(
            f"the architecture {settings.architecture!r} learns from pages that are made for it, not from --data "
            f"{settings.data}; leave that out, or say how many pages, such as --data {SYNTHETIC}:{_NUM_PAGES}."
        )
    if number and not 2 <= int(number) <= _SEEDS_A_DIVISION:
        raise TrainingError(f"{number} pages are too few or too many; expected 2 to {_SEEDS_A_DIVISION:,}.")
    return int(number or _NUM_PAGES)
