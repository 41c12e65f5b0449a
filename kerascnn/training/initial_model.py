"""A trained model whose weights a run starts from: fine-tuning."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerascnn.inference.predictor import Predictor
from kerascnn.models import ARCHITECTURES, Architecture
from kerascnn.models.lookup import wrap_model
from kerascnn.saving.card import Card
from kerascnn.saving.feeding import read_scale
from kerascnn.saving.model_files import resolve_model_path
from kerascnn.saving.stored_model import StoredModel, open_model
from kerascnn.utils.backend import activate
from kerascnn.utils.errors import ModelError

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class InitialModel:
    """The trained model that a run starts from.

    Args:
        source: Name or path by which the user gave it.
        stored: Its file, as it was opened.
    """

    source: str
    stored: StoredModel

    @property
    def path(self) -> Path:
        """Its `.keras` file."""
        return self.stored.path

    @property
    def card(self) -> Card | None:
        """Its card; None if it has none."""
        return self.stored.card

    @classmethod
    def find(cls, model: str | Path | Predictor) -> "InitialModel":
        """Find a model by a name of a model that ships, a path, or as it was loaded; raises ModelError."""
        if isinstance(model, Predictor):
            if model.path is None:
                raise ModelError("the model to start from was not saved; give one with a file.")
            model = model.path
        path = resolve_model_path(model)
        stored = open_model(path)
        feeding = stored.card.feeding if stored.card else None
        if feeding is not None and read_scale(feeding.scale) != (1.0, 0.0):
            raise ModelError(
                f"{path} takes pixels with --scale {feeding.scale}, but a network is trained on 0..255; put "
                "keras.layers.Rescaling in front of it, and save it anew."
            )
        return cls(str(model), stored)

    @property
    def preparation(self) -> str | None:
        """How the model's pictures are prepared; None if it does not say."""
        return self.card.preparation if self.card else None

    def architecture(self, backend: str | None) -> Architecture:
        """Take over the model's own architecture, with a new last layer where the classes are others.

        A model that is none of `ARCHITECTURES` is built, on the given backend.
        """
        if self.card and self.card.architecture in ARCHITECTURES:
            return ARCHITECTURES[self.card.architecture]
        activate(backend)
        return wrap_model(self._load(), any_classes=True)

    def copy_weights(self, model: "keras.Model", class_names: tuple[str, ...]) -> None:
        """Give a network the weights of this model; its last layer keeps its own where the classes are others.

        Raises ModelError if the network is of another architecture, or made for images of another size.
        """
        source = self._load()
        own_names = self.card.class_names if self.card else tuple(map(str, range(source.output_shape[-1])))
        head = model.layers[-1]
        for layer in model.layers:
            if not layer.weights or (layer is head and own_names != class_names):
                continue
            try:
                layer.set_weights(source.get_layer(layer.name).get_weights())
            except ValueError as error:
                raise ModelError(
                    f"the layer {layer.name!r} has no such weights in {self.path}; start from a model of the same "
                    f"architecture, for images of {model.input_shape[1]}x{model.input_shape[2]} pixels."
                ) from error

    def facts(self) -> dict[str, str]:
        """Describe it as the card of the trained model does."""
        name = self.card.name if self.card else self.path.stem
        return {"name": name, "sha256": self.stored.digest}

    def _load(self) -> Any:
        from kerascnn.inference.model_loading import load_checked_model

        return load_checked_model(self.stored)
