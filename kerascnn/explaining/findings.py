"""Everything that an explanation shows of one picture, as numbers."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kerascnn.datasets import Dataset
from kerascnn.explaining.anatomy import Anatomy, SpatialStep, as_array, read_first_kernel
from kerascnn.explaining.attention import Attention, trace_attention
from kerascnn.explaining.attribution import (
    ClassActivationMaps,
    class_activation_maps,
    input_gradients,
    integrated_gradients,
)
from kerascnn.explaining.filters import (
    MAX_FILTERS,
    Exemplars,
    choose_filters,
    find_exemplars,
    maximise,
    order_by_direction,
)
from kerascnn.explaining.occlusion import Occlusion, occlude

_NUM_TRAINING_IMAGES = 4000  # searched for those that excite a filter most
_NUM_EXEMPLARS = 5
_MAX_LAYERS = 6  # whose feature maps are shown


@dataclass(frozen=True)
class Evidence:
    """Attribution of the logit of one class to the pixels, see `kerascnn.explaining.attribution`."""

    class_index: int
    logit: float
    baseline_logit: float  # of an empty image
    input_gradient: np.ndarray  # float32 (height, width)
    integrated_gradients: np.ndarray  # float32 (height, width)


@dataclass(frozen=True)
class FirstFilters:
    """The filters of the first convolution."""

    name: str  # of the layer
    kernels: np.ndarray  # float32 (rows, columns, filters), averaged over the input channels
    num_inputs: int  # number of input channels
    order: np.ndarray  # of the filters, edge detectors first
    num_edges: int  # number of edge detectors


@dataclass(frozen=True)
class FirstUnits:
    """The units of a fully connected first layer."""

    name: str  # of the layer
    weights: np.ndarray  # float32 (n, height, width), of the units shown, averaged over the image's channels
    units: np.ndarray  # numbers of these units, (n,), the one that the image excites most first
    num_units: int  # of the layer


@dataclass(frozen=True)
class FeatureMaps:
    """The feature maps of one layer for the image."""

    step: SpatialStep
    values: np.ndarray  # float32 (rows, columns, channels)
    order: np.ndarray  # numbers of the channels that are shown, in order

    @property
    def num_silent(self) -> int:
        """Number of channels that are zero everywhere."""
        return int((~self.values.any(axis=(0, 1))).sum())


@dataclass(frozen=True)
class FilterStudy:
    """What excites the filters of one layer."""

    step: SpatialStep
    filters: np.ndarray  # numbers of its filters, (n,)
    maximised: np.ndarray  # float32 (n, height, width), 0..255: the image that maximises each filter
    in_image: Exemplars  # the place of the image that excites each filter most
    exemplars: Exemplars | None  # the training images that excite each filter most; None without training images


@dataclass(frozen=True)
class ConvolutionalFindings:
    """What there is to show of a network with convolutions."""

    decisive: SpatialStep  # the layer of the class activation maps
    activation_maps: ClassActivationMaps
    first_filters: FirstFilters
    feature_maps: tuple[FeatureMaps, ...]  # of some layers
    filter_study: FilterStudy


@dataclass(frozen=True)
class Findings:
    """All findings."""

    anatomy: Anatomy
    seen: np.ndarray  # input of the network, uint8 (height, width), 0 is background
    evidence: tuple[Evidence, ...]  # for each class, the explained class first
    occlusion: Occlusion
    attention: Attention | None  # between patches; None for a network without
    first_units: FirstUnits | None  # None unless the first layer is fully connected
    convolutional: ConvolutionalFindings | None  # None for a network without convolutions


def compute_findings(
    anatomy: Anatomy,
    seen: np.ndarray,
    classes: list[int],
    layer: str | None,
    training_images: np.ndarray | None,
    seed: int,
    progress: Callable[[str], None],
) -> Findings:
    """Compute everything that an explanation shows.

    Args:
        anatomy: Anatomy of the model.
        seen: Input of the network, uint8 `(height, width)`.
        classes: Indices of the classes, the explained class first.
        layer: Name of the layer to weigh and to study; None for the last feature maps and the last convolution.
        training_images: Training images to search, uint8 `(n, height, width)`, or None.
        seed: Random seed of the noise that activation maximisation starts from.
        progress: Function that is called with a sentence before each step.
    """
    chosen = anatomy.step(layer) if layer else anatomy.last_maps
    decisive = anatomy.cut_after(chosen)[0] if chosen else None
    progress("which pixels speak for the answer ...")
    evidence = _attribute(anatomy, seen, classes)
    occlusion = occlude(anatomy, seen)
    attention = trace_attention(anatomy, seen)
    if chosen is None or decisive is None:
        return Findings(anatomy, seen, evidence, occlusion, attention, _show_first_units(anatomy, seen), None)
    studied = chosen if layer else anatomy.convolutions[-1]
    first_filters = _show_first_filters(anatomy)
    convolutional = ConvolutionalFindings(
        decisive,
        class_activation_maps(anatomy, decisive, seen, classes),
        first_filters,
        tuple(_show_maps(anatomy, step, seen, first_filters) for step in _choose_steps(anatomy, studied)),
        _study_filters(anatomy, studied, seen, training_images, seed, progress),
    )
    return Findings(anatomy, seen, evidence, occlusion, attention, None, convolutional)


def choose_training_images(anatomy: Anatomy, dataset: Dataset) -> np.ndarray | None:
    """Choose the training images to search; None if filters cannot be tried on them."""
    if not anatomy.convolutions or dataset.image_size != anatomy.image_shape:
        return None
    images: np.ndarray = dataset.train_images[:_NUM_TRAINING_IMAGES]
    return images


def _attribute(anatomy: Anatomy, seen: np.ndarray, classes: list[int]) -> tuple[Evidence, ...]:
    logits, baseline = anatomy.logits(np.stack([seen, np.zeros_like(seen)]))
    columns = (
        logits[classes].tolist(),
        baseline[classes].tolist(),
        input_gradients(anatomy, seen, classes),
        integrated_gradients(anatomy, seen, classes),
    )
    return tuple(Evidence(*row) for row in zip(classes, *columns, strict=True))


def _show_first_filters(anatomy: Anatomy) -> FirstFilters:
    step = anatomy.convolutions[0]
    kernel = read_first_kernel(step)
    kernels = kernel.mean(axis=2)[..., :MAX_FILTERS]
    return FirstFilters(step.name, kernels, kernel.shape[2], *order_by_direction(kernels))


def _show_first_units(anatomy: Anatomy, seen: np.ndarray) -> FirstUnits | None:
    step = anatomy.first_dense
    if step is None:
        return None
    activations = anatomy.activations(step, seen)
    units = np.argsort(-activations, kind="stable")[:MAX_FILTERS]
    weights = as_array(step.layer.weights[0])[:, units].T.reshape(len(units), *seen.shape, -1).mean(axis=-1)
    return FirstUnits(step.name, weights, units, len(activations))


def _choose_steps(anatomy: Anatomy, studied: SpatialStep) -> list[SpatialStep]:
    """Choose convolutions and poolings; of many the studied one and some from the first to the last."""
    steps = [step for step in anatomy.steps if isinstance(step, SpatialStep) and (step.kind or step is studied)]
    if len(steps) <= _MAX_LAYERS:
        return steps
    chosen = {round(position) for position in np.linspace(0, len(steps) - 1, _MAX_LAYERS - 1)}
    return [step for index, step in enumerate(steps) if index in chosen or step is studied]


def _show_maps(anatomy: Anatomy, step: SpatialStep, seen: np.ndarray, first: FirstFilters) -> FeatureMaps:
    values = anatomy.activations(step, seen)
    same_as_filters = step.name == first.name and values.shape[-1] == len(first.order)
    return FeatureMaps(step, values, first.order if same_as_filters else choose_filters(values))


def _study_filters(
    anatomy: Anatomy,
    step: SpatialStep,
    seen: np.ndarray,
    training_images: np.ndarray | None,
    seed: int,
    progress: Callable[[str], None],
) -> FilterStudy:
    filters = choose_filters(anatomy.activations(step, seen))
    progress(f"the images that excite the {len(filters)} filters of {step.name} most ...")
    maximised, _ = maximise(anatomy, step, filters, seed)
    in_image = find_exemplars(anatomy, step, filters, seen[None], 1)
    exemplars = None
    if training_images is not None:
        progress(f"the training images that excite them, among {len(training_images):,} ...")
        exemplars = find_exemplars(anatomy, step, filters, training_images, _NUM_EXEMPLARS)
    return FilterStudy(step, filters, maximised, in_image, exemplars)
