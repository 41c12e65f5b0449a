"""Progress of long work, shown on stderr where that is a terminal."""

import contextlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from kerascnn.cli.notebooks import runs_in_notebook
from kerascnn.images.decoding import Page
from kerascnn.training.progress import RunStart
from kerascnn.utils.names import show_hidden

Item = TypeVar("Item")


class FitProgress:
    """Shows a training run: a bar for the running epoch, a line for each finished one."""

    def __init__(self) -> None:
        plain = False if runs_in_notebook() else None  # or as the terminal is
        self._console = Console(stderr=True, highlight=False, soft_wrap=True, force_terminal=plain)
        self._bar: Progress | None = None
        self.saved_epochs = 0

    def message(self, text: str) -> None:
        """Print a sentence."""
        self._console.print(Text(show_hidden(text)))

    def run_started(self, start: RunStart) -> None:
        """Print what is about to be trained on what."""
        self._start = start
        self.saved_epochs = start.first_epoch
        self.message(
            f"data: images {start.train_shape}, labels {start.labels_shape} to train on, "
            f"{start.num_validation:,} to validate"
        )
        self.message(f"model: {start.architecture}, {start.num_parameters:,} parameters, on {start.backend}")
        if start.first_epoch:
            self.message(f"continuing after epoch {start.first_epoch} of {start.epochs}")

    def epoch_started(self, epoch: int) -> None:
        """Show the bar of an epoch."""
        if not self._console.is_terminal:
            return
        self._bar = Progress(
            TextColumn(f"epoch {epoch + 1}/{self._start.epochs}"),
            BarColumn(),
            MofNCompleteColumn(),
            _ImagesPerSecond(self._start.train_shape[0] / self._start.steps),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            redirect_stdout=sys.stdout.isatty(),  # what goes to a file or a pipe must not be drawn on the terminal
        )
        self._bar.start()
        self._task = self._bar.add_task("", total=self._start.steps)

    def step_finished(self, step: int) -> None:
        """Move the bar."""
        if self._bar:
            self._bar.update(self._task, completed=step)

    def epoch_finished(self, row: Mapping[str, Any]) -> None:
        """Replace the bar by a line."""
        self.close()
        self.saved_epochs = row["epoch"]
        self.message(
            f"epoch {row['epoch']}/{self._start.epochs}  loss {row['loss']:.4f}  accuracy {row['accuracy']:.2%}  "
            f"val_loss {row['val_loss']:.4f}  val_accuracy {row['val_accuracy']:.2%}  {row['seconds']:.1f} s"
        )

    def training_finished(self) -> None:
        """Take the bar away."""
        self.close()

    def close(self) -> None:
        """Take the bar away, whatever happened."""
        if self._bar:
            self._bar.stop()
            self._bar = None


class _ImagesPerSecond(ProgressColumn):
    def __init__(self, images_per_step: float) -> None:
        super().__init__()
        self._images_per_step = images_per_step

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed * self._images_per_step:,.0f} images/s")


def show_progress(items: Iterable[Item], total: int) -> Iterator[Item]:
    """Show a progress bar on stderr while items pass, where that is a terminal and the results go elsewhere.

    On a terminal the results themselves show how far the work is. What is printed to stdout never passes through the
    bar: rich would take it over and draw it on the terminal in place of the file.
    """
    if _shows_bar():
        with _make_bar() as bar:
            yield from bar.track(items, total=total)
    else:
        yield from items


@contextlib.contextmanager
def show_decoding(pages: Sequence[Page]) -> Iterator[Sequence[Page]]:
    """Show a progress bar, as `show_progress` does, that moves when a picture is decoded.

    Pictures are recognised many at a time, so that their results come late and all at once.

    Yields:
        The pictures, to be decoded in place of those that were given.
    """
    if not _shows_bar():
        yield pages
        return
    with _make_bar() as bar:
        task = bar.add_task("", total=len(pages))

        def decode(page: Page) -> np.ndarray:
            try:
                return page.decode()
            finally:
                bar.advance(task)

        yield [Page(page.name, partial(decode, page)) for page in pages]


def _shows_bar() -> bool:
    return sys.stderr.isatty() and not sys.stdout.isatty() and not runs_in_notebook()


def _make_bar() -> Progress:
    return Progress(
        TextColumn("pictures"),
        BarColumn(),
        MofNCompleteColumn(),
        _ImagesPerSecond(1),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
    )
