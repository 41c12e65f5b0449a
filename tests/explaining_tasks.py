"""What `worker.py` does for test_explain.py: everything that needs Keras."""

import numpy as np

import kerascnn
from kerascnn.datasets import load_dataset


def build_user_model(kind: str, path: str) -> None:
    """Write a model as a user might have it."""
    from kerascnn.utils.backend import activate

    activate()
    import keras
    from keras import layers

    keras.utils.set_random_seed(1)
    image = keras.Input((28, 28, 1))
    scaled = layers.Rescaling(1 / 255)(image)
    if kind == "small":
        maps = layers.Conv2D(6, 3, activation="relu", name="first")(scaled)
        maps = layers.MaxPooling2D(2, name="smaller")(maps)
        maps = layers.Conv2D(9, 3, activation="relu", name="second")(maps)
        output = layers.Dense(10, activation="softmax")(layers.Flatten()(maps))
    elif kind == "smooth":
        maps = layers.Conv2D(4, 5, strides=2, activation="tanh")(scaled)
        maps = layers.AveragePooling2D(2)(layers.Conv2D(6, 3, activation="tanh")(maps))
        output = layers.Dense(10, activation="softmax")(layers.Flatten()(maps))
    elif kind == "linear":
        maps = layers.Conv2D(5, 3, padding="same", activation="relu", name="maps")(scaled)
        output = layers.Dense(10, activation="softmax")(layers.Flatten()(maps))
    elif kind == "residual":
        maps = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu", name="stem")(scaled)
        inner = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same", name="inner")(maps))
        maps = layers.ReLU(name="stage")(layers.Add(name="add")([maps, inner]))
        output = layers.Softmax()(layers.Dense(10)(layers.GlobalAveragePooling2D()(maps)))
    keras.Model(image, output, name=kind).save(path)


def explain(**arguments) -> dict:
    """Explain a picture on this worker's backend."""
    from kerascnn.utils.backend import activate

    return kerascnn.explain(**arguments, backend=activate().name).to_dict()


def explain_refused(**arguments) -> str:
    """The message with which an explanation is refused."""
    try:
        explain(**arguments)
    except kerascnn.KerasCNNError as error:
        return str(error)
    return ""


def maps(model: str, num_images: int, output: str) -> None:
    """Write every map of the first test images, for the most probable class of each and the class 0."""
    from kerascnn.explaining.attribution import class_activation_maps, input_gradients, integrated_gradients
    from kerascnn.explaining.occlusion import occlude

    anatomy = _anatomy(model)
    images = load_dataset("mnist").test_images[:num_images]
    logits = anatomy.logits(images)
    asked = [(image, [label, 0]) for image, label in zip(images, logits.argmax(axis=1).tolist(), strict=True)]
    weighed = [class_activation_maps(anatomy, anatomy.last_maps, *pair) for pair in asked]
    np.savez(
        output,
        images=images,
        logits=logits,
        empty=anatomy.logits(np.zeros((1, 28, 28)))[0],
        grad_cam=[both.grad_cam for both in weighed],
        hires_cam=[both.hires_cam for both in weighed],
        input_gradient=[input_gradients(anatomy, *pair) for pair in asked],
        integrated_gradients=[integrated_gradients(anatomy, *pair) for pair in asked],
        occlusion=[np.moveaxis(occlude(anatomy, image).drops, -1, 0) for image in images],
    )


def shuffled_maps(model: str, num_images: int, output: str) -> None:
    """Write the class activation maps of the same classes after the weights of each layer have changed places."""
    whole = _loaded(model)
    from kerascnn.explaining.anatomy import Anatomy
    from kerascnn.explaining.attribution import class_activation_maps

    images = load_dataset("mnist").test_images[:num_images]
    classes = Anatomy(whole).logits(images).argmax(axis=1).tolist()
    generator = np.random.default_rng(0)
    for layer in whole.layers:
        weights = [generator.permutation(weight.ravel()).reshape(weight.shape) for weight in layer.get_weights()]
        layer.set_weights(weights)
    shuffled = Anatomy(whole)
    weighed = [
        class_activation_maps(shuffled, shuffled.last_maps, image, [label])
        for image, label in zip(images, classes, strict=True)
    ]
    np.savez(output, grad_cam=[both.grad_cam for both in weighed], hires_cam=[both.hires_cam for both in weighed])


def gradient_and_differences(model: str) -> list[float]:
    """The largest difference between an input gradient and central differences, and the largest gradient."""
    from kerascnn.explaining.attribution import input_gradients

    anatomy = _anatomy(model)
    image = load_dataset("mnist").test_images[0].astype(np.float32)
    step = 8.0
    changes = step * np.eye(784, dtype=np.float32).reshape(-1, 28, 28)
    rise = anatomy.logits(image + changes)[:, 3].astype(np.float64) - anatomy.logits(image - changes)[:, 3]
    (found,) = input_gradients(anatomy, image, [3])
    return [float(np.abs(found - 255 * rise.reshape(28, 28) / (2 * step)).max()), float(np.abs(found).max())]


def maps_by_hand(model: str) -> list[float]:
    """Differences of both maps from what they are by hand before a single dense layer, and the largest values."""
    from kerascnn.explaining.attribution import class_activation_maps

    anatomy = _anatomy(model)
    image = load_dataset("mnist").test_images[0]
    step = anatomy.step("maps")
    values = anatomy.activations(step, image)
    weights = anatomy.steps[-1].layer.get_weights()[0][:, 4].reshape(values.shape)
    found = class_activation_maps(anatomy, step, image, [2, 4])
    pairs = (
        (found.grad_cam[1], values @ weights.mean(axis=(0, 1))),
        (found.hires_cam[1], (values * weights).sum(axis=-1)),
    )
    return [float(np.abs(maps - by_hand).max() / np.abs(by_hand).max()) for maps, by_hand in pairs]


def cut(model: str, layer: str) -> dict:
    """Where the network can be cut at or after a layer, and whether both halves together are the whole."""
    from kerascnn.explaining.anatomy import run_in_batches

    anatomy = _anatomy(model)
    images = load_dataset("mnist").test_images[:4]
    step, rest = anatomy.cut_after(anatomy.step(layer))
    halves = run_in_batches(rest, np.stack([anatomy.activations(step, image) for image in images]))
    return {
        "name": step.name,
        "difference": float(np.abs(halves - anatomy.logits(images)).max()),
        "last_maps": anatomy.last_maps.name,
    }


def windows() -> list[dict]:
    """The window of a unit in each of some layers, and the pixels that its gradient reaches."""
    from kerascnn.utils.backend import activate

    activate()
    import keras
    from keras import layers

    from kerascnn.explaining.anatomy import Anatomy
    from kerascnn.explaining.gradients import differentiate

    image = keras.Input((40, 36, 1))
    chain = [
        layers.Conv2D(2, 3, name="valid"),
        layers.Conv2D(2, (3, 5), strides=2, padding="same", name="same"),
        layers.ZeroPadding2D(1, name="padded"),
        layers.Conv2D(2, 3, dilation_rate=2, name="dilated"),
        layers.AveragePooling2D(2, name="pooled"),
    ]
    tensor = image
    for layer in chain:
        tensor = layer(tensor)
    model = keras.Model(image, layers.Dense(3)(layers.Flatten()(tensor)))
    for layer in chain:
        layer.set_weights([np.abs(weight) + 0.1 for weight in layer.get_weights()])
    anatomy = Anatomy(model)
    found = []
    for step in anatomy.spatial_steps:
        part = anatomy.model_until(step)
        run = differentiate(lambda values, part=part: part(values, training=False)[0, 3, 2, 0])
        reached = run(np.ones((1, 40, 36, 1)))[1][0, :, :, 0] != 0
        rows, columns = np.flatnonzero(reached.any(axis=1)), np.flatnonzero(reached.any(axis=0))
        edges = [columns[0] - 0.5, rows[0] - 0.5, columns[-1] + 0.5, rows[-1] + 0.5]
        found.append(
            {"layer": step.name, "reached": [float(edge) for edge in edges], "window": step.placement.window(3, 2)}
        )
    return found


def maximised(model: str, layer: str) -> dict:
    """Mean activations of the images made for 16 filters of a layer, against noise and training images."""
    from kerascnn.explaining.anatomy import run_in_batches
    from kerascnn.explaining.filters import maximise

    anatomy = _anatomy(model)
    step = anatomy.step(layer)
    filters = np.arange(16)
    images, _ = maximise(anatomy, step, filters, seed=0)
    again, _ = maximise(anatomy, step, filters, seed=0)
    other, _ = maximise(anatomy, step, filters, seed=1)
    part = anatomy.model_until(step)

    def means(inputs: np.ndarray) -> np.ndarray:
        return run_in_batches(part, anatomy.as_input(inputs)).mean(axis=(1, 2))[:, filters]

    noise = np.random.default_rng(5).uniform(0, 255, (50, 28, 28))
    made = means(images)[filters, filters]
    training = means(load_dataset("mnist").train_images[:500]).max(axis=0)
    return {
        "beats_noise": float((made > means(noise).max(axis=0)).mean()),
        "beats_training": float((made > training).mean()),
        "repeatable": bool(np.array_equal(images, again)),
        "seeded": not np.array_equal(images, other),
        "range": [float(images.min()), float(images.max())],
    }


def exemplars(model: str, layer: str) -> dict:
    """The most exciting training images by `find_exemplars` and by brute force, and what is left in the frame."""
    from kerascnn.explaining.anatomy import run_in_batches
    from kerascnn.explaining.filters import find_exemplars

    anatomy = _anatomy(model)
    step = anatomy.step(layer)
    filters = np.array([3, 1])
    images = load_dataset("mnist").train_images[:600]
    found = find_exemplars(anatomy, step, filters, images, 4)
    part = anatomy.model_until(step)
    peaks = run_in_batches(part, anatomy.as_input(images)).max(axis=(1, 2))[:, filters]
    framed = np.zeros((len(filters), 28, 28), np.float32)
    for index in range(len(filters)):
        window = step.placement.window(*found.positions[index, 0])
        left, top, right, bottom = (max(0, round(edge + 0.5)) for edge in window)
        framed[index, top:bottom, left:right] = images[found.indices[index, 0], top:bottom, left:right]
    rows, columns = found.positions[:, 0].T
    in_frame = run_in_batches(part, anatomy.as_input(framed))[np.arange(len(filters)), rows, columns, filters]
    return {
        "found": found.values.tolist(),
        "brute_force": np.sort(peaks, axis=0)[::-1][:4].T.tolist(),
        "in_frame": in_frame.tolist(),
    }


def direction_order() -> dict:
    """The order of eight edges in scrambled directions among lines and spots."""
    from kerascnn.utils.backend import activate

    activate()
    from kerascnn.explaining.filters import order_by_direction

    y, x = np.mgrid[-1:2, -1:2].astype(float)
    angles = np.array([0.3, -2.0, 2.5, -0.7, 1.4, -1.3, 0.9, -2.8])
    edges = [np.cos(angle) * x + np.sin(angle) * y for angle in angles]
    spot, line = np.where((x == 0) & (y == 0), 8.0, -1.0), np.where(x == 0, 1.0, -0.5)
    order, num_edges = order_by_direction(np.stack([spot, *edges, line + 1], axis=-1))
    return {"num_edges": num_edges, "angles": [float(angles[index - 1]) for index in order[:num_edges]]}


def _loaded(model: str):
    from kerascnn.utils.backend import activate

    return kerascnn.load(model, backend=activate().name).engine.model


def _anatomy(model: str):
    whole = _loaded(model)
    from kerascnn.explaining.anatomy import Anatomy

    return Anatomy(whole)


TASKS = {
    task.__name__: task
    for task in (
        build_user_model, explain, explain_refused, maps, shuffled_maps, gradient_and_differences, maps_by_hand, cut,
        windows, maximised, exemplars, direction_order,
    )
}  # fmt: skip
