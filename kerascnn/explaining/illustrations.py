"""The findings as figures, each with a caption that says what to see."""

import re
from collections.abc import Callable, Sequence

import numpy as np

from kerascnn.explaining import figures
from kerascnn.explaining.attribution import ClassActivationMaps
from kerascnn.explaining.figures import format_percent, shorten
from kerascnn.explaining.filters import Exemplars
from kerascnn.explaining.findings import ConvolutionalFindings, FeatureMaps, FilterStudy, Findings, FirstFilters
from kerascnn.inference.predictor import Prediction
from kerascnn.utils.figure_style import Drawing
from kerascnn.utils.illustration import Illustration

_NUM_EXEMPLAR_FILTERS = 6
_SAME = 0.001  # difference of two maps, relative to the largest value, that is rounding alone


def illustrate(
    picture: np.ndarray, prediction: Prediction, names: Sequence[str], findings: Findings
) -> list[Illustration]:
    """Make all figures of the report, in order.

    Args:
        picture: Picture as it was given, uint8 `(height, width)` or `(height, width, 3)`.
        prediction: Prediction for it.
        names: Names of the classes.
        findings: Findings to show.
    """
    convolutional = findings.convolutional
    return [
        _illustrate_prediction(picture, prediction, names, findings),
        *_illustrate_evidence(prediction, names, findings),
        *_illustrate_attention(findings),
        *_illustrate_units(findings),
        *(_illustrate_convolutions(convolutional) if convolutional else []),
    ]


def _illustrate_convolutions(findings: ConvolutionalFindings) -> list[Illustration]:
    first, maps, study = findings.first_filters, findings.feature_maps, findings.filter_study
    return [
        _illustrate_filters(first),
        *[_illustrate_maps(layer, first, is_first=index == 0) for index, layer in enumerate(maps)],
        _illustrate_maximised(study),
        *([_illustrate_exemplars(study, study.exemplars)] if study.exemplars else []),
    ]


def _illustrate_prediction(
    picture: np.ndarray, prediction: Prediction, names: Sequence[str], findings: Findings
) -> Illustration:
    best = names[int(np.argmax(prediction.probabilities))]
    confidence = format_percent(prediction.confidence)
    if prediction.reason:
        answer = (
            f"The answer is withheld ({prediction.reason}): the most probable class, {best}, has only {confidence}."
        )
    else:
        answer = f"The answer is {best}, with a probability of {confidence.replace('> ', 'more than ')}."
    label = names[findings.evidence[0].class_index]
    if label != best or prediction.reason:
        answer += f" What follows explains the class {label}."
    return Illustration(
        "answer",
        figures.draw_prediction(picture, findings.seen, names, np.array(prediction.probabilities)),
        f"the picture, the image that the network saw, and the probabilities of the classes; {best} is the highest",
        "The network never sees the picture itself, only the image in the middle: the picture is brought into the "
        "form of the images that the network was trained with.",
        "Picture and answer",
        answer,
    )


def _illustrate_evidence(prediction: Prediction, names: Sequence[str], findings: Findings) -> list[Illustration]:
    evidence = findings.evidence
    titles = [
        f"for {shorten(names[e.class_index])} ({format_percent(prediction.probabilities[e.class_index])})"
        for e in evidence
    ]
    labels = " and ".join(names[e.class_index] for e in evidence)
    first, label = evidence[0], names[evidence[0].class_index]

    def draw(maps: Sequence[np.ndarray], scale: str) -> Drawing:
        return figures.draw_evidence(findings.seen, maps, titles, scale)

    return [
        *_illustrate_activation_maps(draw, labels, label, findings),
        Illustration(
            "integrated-gradients",
            draw([e.integrated_gradients for e in evidence], "part of the score"),
            f"integrated gradients for {labels}",
            "Integrated gradients: what each pixel added to the score while a black image turned into this one. Pixels "
            f"that are black add nothing. All pixels together take the score of {label} from "
            f"{_format_signed(first.baseline_logit)} to {_format_signed(first.logit)}.",
            "Which pixels count",
            f"{_introduce_pixels(findings)} answered by gradients: how does the score change when a pixel changes?",
        ),
        Illustration(
            "input-gradient",
            draw([e.input_gradient for e in evidence], "change of the score for a full step from black to white"),
            f"input gradient for {labels}",
            "The gradient itself, also where there is no ink: a pixel made lighter raises the score where it is "
            "orange and lowers it where it is blue. It looks restless because it holds for very small changes only.",
        ),
        _illustrate_occlusion(prediction, titles, names, findings),
    ]


def _introduce_pixels(findings: Findings) -> str:
    """Introduce the gradients of pixels, after class activation maps or without them."""
    if findings.convolutional:
        return "The same question for single pixels,"
    return (
        "This network has no convolution, so it has no feature maps: nothing that it computes belongs to a place in "
        "the picture, and no class activation map can be drawn. What remains is to ask the pixels. The score of a "
        "class is the number that goes into the last softmax; which pixels raise it is"
    )


def _illustrate_activation_maps(
    draw: Callable[[Sequence[np.ndarray], str], Drawing], labels: str, label: str, findings: Findings
) -> list[Illustration]:
    if findings.convolutional is None:
        return []
    maps, decisive = findings.convolutional.activation_maps, findings.convolutional.decisive
    rows, columns, channels = decisive.output.shape[1:]
    return [
        Illustration(
            "hires-cam",
            draw(list(maps.hires_cam), "part of the score"),
            f"class activation maps for {labels}",
            f"HiResCAM. The layer {decisive.name} has {channels} maps of {rows} x {columns} positions. Each "
            "is multiplied, position by position, by how much it raises the score of the class, and all are added up: "
            "orange speaks for the class, blue against it. The thin line is the outline of the ink.",
            "Where the network looks",
            "The score of a class is the number that goes into the last softmax. These maps ask which places raise it, "
            "for the explained class and its strongest rival; all colours are on one scale."
            f"{_note_silence(maps, findings)}",
        ),
        Illustration(
            "grad-cam",
            draw(list(maps.grad_cam), "weighted sum of the maps"),
            f"Grad-CAM for {labels}",
            "Grad-CAM, the best known of these maps: the same, but each map has a single weight, the average over all "
            f"its positions. As published it shows the orange part only.{_say_which_to_believe(maps, findings, label)}",
        ),
    ]


def _format_signed(value: float) -> str:
    """Write one decimal, with a proper minus sign."""
    return f"{value:.1f}".replace("-", "\N{MINUS SIGN}")


def _note_silence(maps: ClassActivationMaps, findings: Findings) -> str:
    """Explain maps that are empty because the gradient is zero everywhere."""
    if maps.hires_cam.any() or any(evidence.input_gradient.any() for evidence in findings.evidence):
        return ""
    return (
        " Here they are empty, and that is no fault: a whole layer of the network is silent, so that no small change "
        "of the picture changes any score. What remains are the constants (biases) of the layers after it: the network "
        "has found nothing that it knows."
    )


def _say_which_to_believe(maps: ClassActivationMaps, findings: Findings, label: str) -> str:
    """Say whether Grad-CAM differs from HiResCAM, and which of the two tells what the network used."""
    largest = np.abs(maps.hires_cam).max()
    if not largest:
        return ""
    if np.abs(maps.grad_cam - maps.hires_cam).max() < _SAME * largest:
        return " Here both maps are the same: the weight of each feature map is the same at all of its positions."
    values = maps.grad_cam[0]
    doubt = ""
    if values.max() <= 0.1 * np.abs(values).max():
        doubt = f" Here next to nothing speaks for {label}."
    if any(type(step.layer).__name__ == "Flatten" for step in findings.anatomy.steps):
        doubt += (
            " This network flattens its maps, so that one map may speak for the class in one place and against it in "
            "another; then an average over all places says little."
        )
    return (
        f"{doubt} Where the two contradict each other, believe HiResCAM: it keeps the weight of each position, and so "
        "is faithful to what the network uses, while the average can colour places that it does not use (R. L. Draelos "
        "and L. Carin, “Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional neural "
        "networks”, 2020)."
    )


def _illustrate_occlusion(
    prediction: Prediction, titles: Sequence[str], names: Sequence[str], findings: Findings
) -> Illustration:
    occlusion, best = findings.occlusion, int(np.argmax(prediction.probabilities))
    maps = [occlusion.drops[..., e.class_index] for e in findings.evidence]
    # Covering changes the most probable class, whichever class is explained.
    *first, last = [names[other] for other in np.unique(occlusion.predicted) if other != best] or [""]
    others = f"{', '.join(first)} or {last}" if first else last
    if not others:
        effect = f"Wherever the patch lies, the most probable class remains {names[best]}."
    elif (occlusion.predicted != best).all():
        effect = f"Wherever the patch lies, the most probable class is {others}."
    else:
        effect = f"Inside the dashed line the most probable class is no longer {names[best]} but {others}."
    return Illustration(
        "occlusion",
        figures.draw_evidence(findings.seen, maps, titles, "fall of the score", outlined=occlusion.find_changes(best)),
        "what covering the image piece by piece does to the scores",
        f"Occlusion: a patch of {occlusion.patch} x {occlusion.patch} pixels of background is laid over every place "
        "in turn. Orange: the class loses score, so this place was needed. Blue: it gains, so this place stood in the "
        f"way. {effect}",
        "What if a piece were missing",
        "No gradient is needed for this: the network is simply asked again.",
    )


def _illustrate_attention(findings: Findings) -> list[Illustration]:
    attention = findings.attention
    if attention is None:
        return []
    rows, columns = attention.rollout.shape
    edges = attention.placement.edges(rows, columns)
    num_layers, num_heads = attention.received.shape[:2]
    labels = [f"layer {index + 1}" for index in range(num_layers)]
    looks = "by the class token" if attention.has_token else "by all patches on average"
    return [
        Illustration(
            "attention-rollout",
            figures.draw_attention(findings.seen, attention.rollout, edges),
            "how much of each patch arrives at the end of the network",
            f"Attention rollout: the attention of all {num_layers} layers multiplied, with what every patch keeps of "
            "itself: the lighter a patch, the more of it arrives at the end. It is the same for every class: it says "
            "what was looked at, not what for.",
            "Which patches are looked at",
            f"This network looks at the image in {rows} x {columns} patches. In each of its {num_layers} layers of "
            f"attention every patch looks at all others, with {num_heads} heads that may look for different things, "
            "and takes over something of what it sees.",
        ),
        Illustration(
            "attention",
            figures.draw_heads(findings.seen, attention.received, labels, edges),
            "how much each patch is looked at in each layer, by each head",
            f"How much each patch is looked at {looks}, one row a layer ({attention.names[0]} to "
            f"{attention.names[-1]}), one tile a head: the lighter, the more. The thin line is the outline of the ink.",
        ),
    ]


def _illustrate_units(findings: Findings) -> list[Illustration]:
    first = findings.first_units
    if first is None:
        return []
    count = len(first.units)
    height, width = findings.seen.shape
    which = f"The {count} of {first.num_units} units" if count < first.num_units else f"The {count} units"
    return [
        Illustration(
            "first-weights",
            figures.draw_units(first.weights, first.units),
            f"the weights of units of the layer {first.name}",
            f"{which} of {first.name} that this picture excites most, strongest first, with their numbers: {height} x "
            f"{width} weights each, drawn where the pixels are that they belong to. Ink on orange excites the unit, "
            "ink on blue quietens it.",
            "What the first layer looks for",
            "Every unit of a fully connected layer has one weight for every pixel. Nothing tells it which pixels are "
            "neighbours: where the weights form a stroke or a patch, they learned it from the images. A stroke that is "
            "moved by a few pixels meets other weights; a convolution, which slides, would meet the same ones.",
        )
    ]


def _illustrate_filters(first: FirstFilters) -> Illustration:
    rows, columns, count = first.kernels.shape
    averaged = f" Each is the average over its {first.num_inputs} input channels." if first.num_inputs > 1 else ""
    return Illustration(
        "filters",
        figures.draw_filters(first.kernels, first.order, first.num_edges),
        f"the {count} filters of the layer {first.name}",
        f"The {count} filters of {first.name}, {rows} x {columns} weights each, with their numbers: orange weights "
        f"add, blue ones subtract. {_describe_edges(first.num_edges, count)}{averaged}",
        "What the first layer looks for",
        "A convolution slides each filter over the image and notes, at every place, how well the two agree.",
    )


def _describe_edges(num_edges: int, count: int) -> str:
    answer = "answers" if num_edges == 1 else "answer"
    found = f"{num_edges or 'None'} of them {answer} to edges, where it gets lighter in one direction"
    return f"{found}; nobody told the network to look for edges." if 2 * num_edges > count else f"{found}."


def _illustrate_maps(maps: FeatureMaps, first: FirstFilters, *, is_first: bool) -> Illustration:
    rows, columns, channels = maps.values.shape
    name, count = maps.step.name, len(maps.order)
    shown = f"The {channels} maps" if count == channels else f"The {count} strongest of the {channels} maps"
    colours = " Orange is positive, blue negative." if maps.values.min() < 0 else ""
    silent = maps.num_silent
    empty = (
        " 1 of them is empty: no place here is what its filter looks for."
        if silent == 1
        else f" {silent} of them are empty: no place here is what their filters look for."
    )
    return Illustration(
        "feature-maps-" + re.sub(r"[^\w.-]", "_", name),
        figures.draw_feature_maps(maps.values, maps.order),
        f"feature maps of the layer {name}",
        f"{shown} of {name}, {rows} x {columns} each. {_describe_maps(maps, first)}{colours}{empty if silent else ''}",
        "What each layer finds in this picture" if is_first else "",
        "One small picture a filter: what it found, and where." if is_first else "",
    )


def _describe_maps(maps: FeatureMaps, first: FirstFilters) -> str:
    if maps.step.kind == "pooling":
        height, width = maps.step.layer.pool_size
        kept = "largest value" if type(maps.step.layer).__name__ == "MaxPooling2D" else "mean"
        return (
            f"Of every {height} x {width} values the {kept} is kept: the maps become smaller, what was found remains."
        )
    if maps.step.name == first.name:
        return "Light where the filter of the same number, in the same order as above, agrees with the image."
    return "Each of its filters combines all maps of the layer before it, and so answers to more than an edge."


def _illustrate_maximised(study: FilterStudy) -> Illustration:
    name, count = study.step.name, len(study.filters)
    return Illustration(
        "maximised-filters",
        figures.draw_maximised(study.maximised, study.filters),
        f"the images that excite the filters of {name} most",
        f"One image for each of {count} filters of {name}, made from noise by changing all pixels, step by step, so "
        "that the filter's map becomes as strong as it can. Stripes are strokes of one direction and width; smooth "
        "images belong to filters that answer to even areas or to their borders.",
        f"What the filters of {name} look for",
        "The weights of a later layer say little to the eye. One can ask instead which image excites a filter most.",
    )


def _illustrate_exemplars(study: FilterStudy, found: Exemplars) -> Illustration:
    in_image, placement = study.in_image, study.step.placement
    relative = in_image.values[:, 0] / np.maximum(found.values[:, 0], 1e-6)
    rows = np.argsort(-relative, kind="stable")[:_NUM_EXEMPLAR_FILTERS]
    positions = np.concatenate([in_image.positions, found.positions], axis=1)[rows]
    drawing = figures.draw_exemplars(
        study.filters[rows].tolist(),
        study.maximised[rows],
        np.concatenate([in_image.images, found.images], axis=1)[rows],
        np.array([[placement.window(*position) for position in line] for line in positions]),
        np.concatenate([in_image.values, found.values], axis=1)[rows],
    )
    return Illustration(
        "exciting-images",
        drawing,
        "training images that excite some filters most, beside this picture",
        f"The {len(rows)} filters that this picture excites most, measured against the strongest of "
        f"{found.num_images:,} training images. The yellow frame is all that the most excited unit sees, the number "
        "is its activation: the same short piece of a stroke occurs in quite different images.",
    )
