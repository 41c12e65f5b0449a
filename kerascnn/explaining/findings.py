"""Everything that is to be shown of one picture, as numbers."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kerascnn.datasets import Dataset
from kerascnn.explaining.anatomy import Anatomy, Step, as_array, first_kernel
from kerascnn.explaining.attention import Attention, attend
from kerascnn.explaining.attribution import class_activation_maps, input_gradients, integrated_gradients
from kerascnn.explaining.filters import (
    MAX_FILTERS,
    Exemplars,
    find_exemplars,
    maximise,
    order_by_direction,
    strongest_filters,
)
from kerascnn.explaining.occlusion import Occlusion, occlude

NUM_TRAINING_IMAGES = 4000
"""How many training images are looked at for those that excite a filter most."""

_NUM_EXEMPLARS = 5
_MAX_LAYERS = 6  # whose feature maps are shown


@dataclass(frozen=True)
class Evidence:
    """Where in the image one class has its support.

    Args:
        class_index: of the class.
        logit: of the image.
        baseline_logit: of an empty image.
        input_gradient, integrated_gradients: float32, `(height, width)`, as of `kerascnn.explaining.attribution`.
        grad_cam, hires_cam: the same; None for a network without feature maps.
    """

    class_index: int
    logit: float
    baseline_logit: float
    input_gradient: np.ndarray
    integrated_gradients: np.ndarray
    grad_cam: np.ndarray | None = None
    hires_cam: np.ndarray | None = None

    @property
    def is_locked(self) -> bool:
        """Whether no small change of the image changes the logit at all."""
        return not (self.input_gradient.any() or (self.hires_cam is not None and self.hires_cam.any()))


@dataclass(frozen=True)
class FirstFilters:
    """The filters of the first convolution.

    Args:
        name: of the layer.
        kernels: `(rows, columns, filters)`, averaged over the input channels.
        num_inputs: of these.
        order: of the filters, edges first.
        num_edges: how many of them detect edges.
    """

    name: str
    kernels: np.ndarray
    num_inputs: int
    order: np.ndarray
    num_edges: int


@dataclass(frozen=True)
class FirstUnits:
    """The units of a first layer that is fully connected.

    Args:
        name: of the layer.
        weights: `(n, height, width)`, of the units that are shown, averaged over the image's channels.
        units: their numbers, `(n,)`, the one that the image excites most first.
        num_units: of the layer.
    """

    name: str
    weights: np.ndarray
    units: np.ndarray
    num_units: int


@dataclass(frozen=True)
class FeatureMaps:
    """The maps of one layer for the image.

    Args:
        step: the layer.
        values: float32, `(rows, columns, channels)`.
        order: the channels that are shown, in order.
    """

    step: Step
    values: np.ndarray
    order: np.ndarray

    @property
    def num_silent(self) -> int:
        """Channels that are zero everywhere."""
        return int((~self.values.any(axis=(0, 1))).sum())


@dataclass(frozen=True)
class Excitement:
    """What excites the filters of one layer.

    Args:
        step: the layer.
        filters: their numbers, `(n,)`.
        maximised: float32, `(n, height, width)`: the image made for each.
        in_image: the peak of each in the image, with its position: one exemplar a filter.
        exemplars: the training images that excite each most; None without training images.
        seen: uint8, `(height, width)`, the image.
        images: of the exemplars, uint8, `(n, count, height, width)`; None without.
    """

    step: Step
    filters: np.ndarray
    maximised: np.ndarray
    in_image: Exemplars
    exemplars: Exemplars | None
    seen: np.ndarray
    images: np.ndarray | None


@dataclass(frozen=True)
class Findings:
    """All of it.

    Args:
        anatomy: of the model.
        seen: uint8, `(height, width)`, what the network saw.
        decisive: the layer whose maps the class activation maps weigh; None for a network without feature maps.
        evidence: one a class, the explained class first.
        occlusion: of the image.
        attention: None for a network without.
        first_units: None unless the first layer is fully connected.
        first_filters: of the first convolution, if there is one.
        feature_maps: one a layer.
        excitement: of the studied layer's filters, if there are any.
    """

    anatomy: Anatomy
    seen: np.ndarray
    decisive: Step | None
    evidence: tuple[Evidence, ...]
    occlusion: Occlusion
    attention: Attention | None = None
    first_units: FirstUnits | None = None
    first_filters: FirstFilters | None = None
    feature_maps: tuple[FeatureMaps, ...] = ()
    excitement: Excitement | None = None


def find(
    anatomy: Anatomy,
    seen: np.ndarray,
    classes: list[int],
    layer: str | None,
    training_images: np.ndarray | None,
    seed: int,
    progress: Callable[[str], None],
) -> Findings:
    """Compute everything that is to be shown.

    Args:
        anatomy: of the model.
        seen: uint8, `(height, width)`.
        classes: indices, the explained class first.
        layer: whose maps are weighed and whose filters are maximised; None for the last maps and the last convolution.
        training_images: uint8, `(n, height, width)`, or None.
        seed: of the noise that maximisation starts from.
        progress: called with a few words before each part.

    Returns:
        The findings.
    """
    chosen = anatomy.step(layer) if layer else anatomy.last_maps
    decisive = anatomy.cut_after(chosen)[0] if chosen else None
    progress("which pixels speak for the answer ...")
    evidence = _evidence(anatomy, decisive, seen, classes)
    occlusion = occlude(anatomy, seen)
    attention = attend(anatomy, seen)
    if decisive is None:
        return Findings(anatomy, seen, None, evidence, occlusion, attention, _first_units(anatomy, seen))
    studied = chosen if layer else anatomy.convolutions[-1]
    first_filters = _first_filters(anatomy)
    feature_maps = tuple(_feature_maps(anatomy, step, seen, first_filters) for step in _shown_steps(anatomy, studied))
    excitement = _excitement(anatomy, studied, seen, training_images, seed, progress)
    return Findings(
        anatomy, seen, decisive, evidence, occlusion, attention, None, first_filters, feature_maps, excitement
    )


def training_images_for(anatomy: Anatomy, dataset: Dataset) -> np.ndarray | None:
    """The training images that filters are tried on; None if they have another size than the model's input."""
    return dataset.train_images[:NUM_TRAINING_IMAGES] if dataset.image_size == anatomy.image_shape else None


def _evidence(anatomy: Anatomy, decisive: Step | None, seen: np.ndarray, classes: list[int]) -> tuple[Evidence, ...]:
    logits, baseline = anatomy.logits(np.stack([seen, np.zeros_like(seen)]))
    columns = (
        logits[classes].tolist(),
        baseline[classes].tolist(),
        input_gradients(anatomy, seen, classes),
        integrated_gradients(anatomy, seen, classes),
    )
    if decisive is not None:
        maps = class_activation_maps(anatomy, decisive, seen, classes)
        columns = (*columns, maps.grad_cam, maps.hires_cam)
    return tuple(Evidence(*row) for row in zip(classes, *columns, strict=True))


def _first_filters(anatomy: Anatomy) -> FirstFilters:
    step = anatomy.convolutions[0]
    kernel = first_kernel(step)
    kernels = kernel.mean(axis=2)[..., :MAX_FILTERS]
    return FirstFilters(step.name, kernels, kernel.shape[2], *order_by_direction(kernels))


def _first_units(anatomy: Anatomy, seen: np.ndarray) -> FirstUnits | None:
    step = anatomy.first_dense
    if step is None:
        return None
    activations = anatomy.activations(step, seen)
    units = np.argsort(-activations, kind="stable")[:MAX_FILTERS]
    weights = as_array(step.layer.weights[0])[:, units].T.reshape(len(units), *seen.shape, -1).mean(axis=-1)
    return FirstUnits(step.name, weights, units, len(activations))


def _shown_steps(anatomy: Anatomy, studied: Step) -> list[Step]:
    """Convolutions and poolings; of many the studied one and some spread evenly from the first to the last."""
    steps = [step for step in anatomy.steps if step.is_convolution or step.is_pooling or step is studied]
    if len(steps) <= _MAX_LAYERS:
        return steps
    chosen = {round(position) for position in np.linspace(0, len(steps) - 1, _MAX_LAYERS - 1)}
    return [step for index, step in enumerate(steps) if index in chosen or step is studied]


def _feature_maps(anatomy: Anatomy, step: Step, seen: np.ndarray, first: FirstFilters) -> FeatureMaps:
    values = anatomy.activations(step, seen)
    same_as_filters = step.name == first.name and values.shape[-1] == len(first.order)
    return FeatureMaps(step, values, first.order if same_as_filters else strongest_filters(values))


def _excitement(
    anatomy: Anatomy,
    step: Step,
    seen: np.ndarray,
    training_images: np.ndarray | None,
    seed: int,
    progress: Callable[[str], None],
) -> Excitement:
    filters = strongest_filters(anatomy.activations(step, seen))
    progress(f"the images that excite the {len(filters)} filters of {step.name} most ...")
    maximised, _ = maximise(anatomy, step, filters, seed)
    in_image = find_exemplars(anatomy, step, filters, seen[None], 1)
    if training_images is None:
        return Excitement(step, filters, maximised, in_image, None, seen, None)
    progress(f"the training images that excite them, among {len(training_images):,} ...")
    exemplars = find_exemplars(anatomy, step, filters, training_images, _NUM_EXEMPLARS)
    return Excitement(step, filters, maximised, in_image, exemplars, seen, training_images[exemplars.indices])
