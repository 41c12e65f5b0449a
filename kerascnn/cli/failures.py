"""Pictures that could not be read: each is reported, and the others go on."""

import typer

from kerascnn.cli.no_pictures import describe_no_picture
from kerascnn.cli.printing import print_message
from kerascnn.utils.errors import KerasCNNError


class Failures:
    """Reports the pictures that could not be read; the others go on."""

    def __init__(self) -> None:
        self._names: list[str] = []

    def add(self, name: str, error: KerasCNNError) -> None:
        """Say what is wrong with a picture."""
        self._names.append(name)
        print_message(f"kerascnn: {describe_no_picture(name) or error}")

    def exit_if_any(self, num_pictures: int) -> None:
        """Exit with 1 if a picture could not be read."""
        if not self._names:
            return
        if num_pictures > 1:
            print_message(f"kerascnn: {len(self._names)} of {num_pictures} pictures could not be read.")
        raise typer.Exit(1)
