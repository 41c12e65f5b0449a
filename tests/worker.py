"""Runs the tasks of one backend, one after another, in one process: importing a framework takes longer than most of
them.

Requests and answers are JSON, one a line: `{"task": name, "arguments": {...}}` to `{"value": ...}` or `{"error":
text}`.
"""

import json
import sys
import traceback

import explaining_tasks
import fast_clone_tasks
import model_tasks
import numpy as np
import own_model_tasks

import kerascnn
from kerascnn.datasets import load_dataset


def fit(**arguments) -> dict:
    """Train; the history and the metrics."""
    model = kerascnn.fit(**arguments)
    return {
        "history": model.card.history,
        "metrics": model.card.metrics,
        "num_parameters": model.engine.model.count_params(),
    }


def fit_told(*, nan_in: int | None = None, interrupted_in: int | None = None, **arguments) -> dict:
    """Train, with a network that breaks in an epoch or a run that is interrupted; what was said, and the card."""
    import keras

    from kerascnn.training.progress import NoProgress

    messages: list[str] = []

    class Record(NoProgress):
        def message(self, text: str) -> None:
            messages.append(text)

    class Meddle(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch + 1 == interrupted_in:
                raise KeyboardInterrupt
            if epoch + 1 == nan_in:
                self.model.set_weights([weight * np.nan for weight in self.model.get_weights()])

    card, error = None, ""
    try:
        card = json.loads(kerascnn.fit(progress=Record(), callbacks=[Meddle()], **arguments).card.to_json())
    except KeyboardInterrupt:
        error = "interrupted"
    except kerascnn.KerasCNNError as failure:
        error = str(failure)
    return {"messages": messages, "card": card, "error": error}


def probabilities(model: str, output: str) -> None:
    """Write the probabilities of the 10,000 test images."""
    from kerascnn.inference.predictor import load
    from kerascnn.utils.backend import activate

    predictor = load(model, backend=activate().name)
    np.save(output, predictor.engine.probabilities(load_dataset("mnist").test_images))


def features(model: str, output: str) -> None:
    """Write what the last layer is given of 500 test images."""
    from kerascnn.inference.predictor import load
    from kerascnn.utils.backend import activate

    predictor = load(model, backend=activate().name)
    np.save(output, predictor.engine.probabilities_and_features(load_dataset("mnist").test_images[:500])[1])


def predict(model: str, pictures: list[str]) -> list[int]:
    """The digits of some pictures."""
    from kerascnn.utils.backend import activate

    return [prediction.digit for prediction in kerascnn.load(model, backend=activate().name).predict(pictures)]


def load_refused(model: str) -> str:
    """The message with which a model is refused."""
    from kerascnn.utils.backend import activate

    try:
        kerascnn.load(model, backend=activate().name)
    except kerascnn.KerasCNNError as error:
        return str(error)
    return ""


def open_plainly(model: str) -> int:
    """The number of weights of a model that plain Keras opens."""
    import keras

    return keras.models.load_model(model).count_params()


def backend() -> str:
    """What Keras runs on."""
    import keras

    return keras.config.backend()


def keras_layers() -> list[dict]:
    """Networks as Keras builds them: their configuration, and what Keras says of each layer."""
    import keras
    import zoo

    from kerascnn.models import ARCHITECTURES, build

    models = [zoo.one_layer(*case) for case in zoo.LAYERS]
    models += [
        zoo.attention(),
        zoo.branches(),
        *(build(name, facts.input_shape, facts.num_classes) for name, facts in ARCHITECTURES.items()),
    ]
    return [
        {
            "config": keras.saving.serialize_keras_object(model),
            "shapes": {layer.name: list(layer.output.shape[1:]) for layer in model.layers},
            "num_parameters": {layer.name: layer.count_params() for layer in model.layers},
            "num_trainable": sum(int(np.prod(weight.shape)) for weight in model.trainable_weights),
        }
        for model in models
    ]


def seen_pixels() -> dict:
    """How many rows and columns of the picture a value of each layer depends on: by changing one after the other."""
    import keras
    import zoo

    model = zoo.branches()
    maps = [layer for layer in model.layers if len(layer.output.shape) == 4]
    outputs = keras.Model(model.input, [layer.output for layer in maps])
    size = model.input_shape[1]
    changes = np.zeros((2 * size, *model.input_shape[1:]), np.float32)
    for place in range(size):
        changes[place, place], changes[size + place, :, place] = 1, 1
    unchanged = outputs.predict(np.zeros_like(changes[:1]), verbose=0)
    seen = {}
    for layer, before, after in zip(maps, unchanged, outputs.predict(changes, verbose=0), strict=True):
        differs = (before != after).any(axis=-1)
        rows, columns = differs[:size].any(axis=2), differs[size:].any(axis=1)
        seen[layer.name] = [_largest_extent(rows), _largest_extent(columns)]
    return {"config": keras.saving.serialize_keras_object(model), "seen": seen}


def _largest_extent(differs: np.ndarray) -> int:
    """Of a layer's places, (pixels, places), the most pixels from the first to the last that one depends on."""
    first, last = differs.argmax(axis=0), len(differs) - 1 - differs[::-1].argmax(axis=0)
    return int((last - first + 1)[differs.any(axis=0)].max())


def orthogonal_updates() -> list[float]:
    """How far Keras's Muon and ours differ on a tall, a wide and a nearly singular matrix, relatively.

    The last one is the kernel of a convolution, against Keras's Muon on the matrix that it is.
    """
    import keras

    from kerascnn.training.keras_internals import KernelMuon

    generator = np.random.default_rng(0)
    tall = generator.normal(size=(300, 40)).astype(np.float32)
    kernels = [(matrix, matrix.shape) for matrix in (tall, tall.T, tall * np.logspace(0, -4, 40, dtype=np.float32))]
    kernels.append((generator.normal(size=(3, 3, 32, 64)).astype(np.float32), (288, 64)))
    differences = []
    for kernel, shape in kernels:
        ours, usual = (
            keras.ops.convert_to_numpy(
                made.lr_adjust(made.zeropower_via_newtonschulz5(keras.ops.convert_to_tensor(form), 5))
            )
            for made, form in ((KernelMuon(), kernel), (keras.optimizers.Muon(), kernel.reshape(shape)))
        )
        differences.append(float(np.abs(ours - usual.reshape(kernel.shape)).max() / np.abs(usual).max()))
    return differences


def kernels_of_muon(architecture: str) -> list[str]:
    """The weights of a network that have no second moment, which is Adam's, in the optimizer of `quick`."""
    from kerascnn.utils.backend import activate

    activate()
    from kerascnn import models
    from kerascnn.training.optimizer import make_optimizer
    from kerascnn.training.recipe import choose_recipe

    weights = models.build(architecture, (28, 28, 1), 10).trainable_variables
    optimizer = make_optimizer(choose_recipe("quick", architecture), 10)
    optimizer.build(weights)
    return [weight.path for weight, second in zip(weights, optimizer.adam_velocities, strict=True) if second is None]


TASKS = {
    task.__name__: task
    for task in (
        fit,
        fit_told,
        probabilities,
        features,
        predict,
        load_refused,
        open_plainly,
        backend,
        keras_layers,
        seen_pixels,
        orthogonal_updates,
        kernels_of_muon,
    )
}

TASKS |= explaining_tasks.TASKS | fast_clone_tasks.TASKS | model_tasks.TASKS | own_model_tasks.TASKS


def main() -> None:
    answers = sys.stdout
    sys.stdout = sys.stderr  # whatever a framework prints must not be taken for an answer
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"value": TASKS[request["task"]](**request["arguments"])}
        except Exception:
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
