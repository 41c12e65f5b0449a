"""What `worker.py` does for test_models.py: everything that needs Keras."""

import inspect
import random
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

import kerascnn
from kerascnn.datasets import load_dataset
from kerascnn.datasets.labelled_pages import make_training_pages
from kerascnn.evaluation.calibration import fold_temperature
from kerascnn.inference.predictor import load
from kerascnn.models import ARCHITECTURES
from kerascnn.training import segmentation_task
from kerascnn.training.progress import NoProgress
from kerascnn.training.run_settings import prepare_run
from kerascnn.training.trainer import load_task

# They are always the same, and a run that is resumed in this process would make them again, for half a minute.
segmentation_task.make_test_pages = cache(segmentation_task.make_test_pages)

CLASSIFIERS = {name: facts for name, facts in ARCHITECTURES.items() if not facts.segments}
"""What each picture has one class for; test_segmentation.py has the others."""


def shapes() -> dict:
    """What each architecture makes of pictures of several sizes, and the defaults of its own function."""
    from kerascnn.utils.backend import activate

    activate()
    import keras

    from kerascnn.models import build

    found = {}
    for name, facts in CLASSIFIERS.items():
        sums, refused = [], {}
        for shape, num_classes in (((64, 64, 1), 3), ((20, 33, 1), 2), ((7, 7, 1), 2)):
            try:
                model = build(name, shape, num_classes)
            except kerascnn.KerasCNNError as error:
                refused["x".join(map(str, shape))] = str(error)
                continue
            probabilities = keras.ops.convert_to_numpy(model(np.full((2, *shape), 200, np.float32), training=False))
            assert probabilities.shape == (2, num_classes)
            sums += probabilities.sum(axis=1).tolist()
        rates = [0.25 + 0.125 * index for index in range(len(facts.dropout_rates))]
        regular = build(name, (28, 28, 1), 10, rates)
        found[name] = {
            "sums": sums,
            "refused": refused,
            "rates": rates,
            "default_rates": list(inspect.signature(facts.function).parameters["dropout_rates"].default),
            "rates_in_layers": sorted({layer.rate for layer in regular.layers if type(layer).__name__ == "Dropout"}),
        }
    return found


def interrupted_and_resumed(data: str, directory: str, **arguments) -> dict:
    """Train without interruption, and with one after the first epoch; the history and how far the weights differ."""

    class Interrupt(NoProgress):
        def epoch_started(self, epoch: int) -> None:
            if epoch == 1:
                raise KeyboardInterrupt

    whole = kerascnn.fit(data, output=Path(directory) / "whole.keras", **arguments)
    output = Path(directory) / "parts.keras"
    try:
        kerascnn.fit(data, output=output, progress=Interrupt(), **arguments)
    except KeyboardInterrupt:
        model, history = _continued(output)
    fold_temperature(model, whole.card.temperature)
    pairs = zip(whole.engine.model.get_weights(), model.get_weights(), strict=True)
    return {"epochs": [row["epoch"] for row in history], "same": all(np.array_equal(*pair) for pair in pairs)}


def _continued(output: Path) -> tuple:
    """What `fit(output=output, resume=True)` trains, without the conversion to ONNX, which takes longer than that."""
    from kerascnn.training.loop import train_model

    run = prepare_run(keywords={"output": output, "resume": True})
    task = load_task(run)
    return train_model(run, task.inputs(), task.digest)[:2]


def state_of_random_after_fit(data: str, output: str) -> bool:
    """Whether Python's generator goes on after `fit` as it would have without it."""
    random.seed(5)
    expected = random.getstate()
    kerascnn.fit(data, "mlp", epochs=1, batch_size=16, optimizer="adam", output=output)
    return random.getstate() == expected


def train_with_floatx(data: str, output: str, floatx: str) -> dict:
    """What `fit` trains where Keras's configuration has another float type, and the type that is left behind."""
    from kerascnn.utils.backend import activate

    activate()
    import keras

    found: dict = {}

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            found["dtypes"] = sorted({weight.dtype for weight in self.model.weights if "seed" not in weight.path})
            found["loss"] = logs["loss"]
            raise KeyboardInterrupt

    before = keras.config.floatx()
    keras.config.set_floatx(floatx)
    try:
        kerascnn.fit(data, "mlp", epochs=1, callbacks=[Look()], output=output)
    except KeyboardInterrupt:
        return {**found, "floatx": keras.config.floatx()}
    finally:
        keras.config.set_floatx(before)
    return {}


def fit_briefly(data: str, architecture: str) -> dict:
    """Train on a few batches as `fit` does, without what comes after: losses before and after, and the size."""
    from kerascnn.utils.backend import activate

    activate()
    import keras

    from kerascnn.models import build
    from kerascnn.training.loop import compile_model
    from kerascnn.training.recipe import choose_recipe

    dataset = load_dataset(data)
    images, targets = dataset.train_images[:64, ..., None].astype(np.float32), np.eye(10)[dataset.train_labels[:64]]
    random.seed(0)
    model = build(architecture, (28, 28, 1), 10)
    recipe = choose_recipe("quick", architecture, epochs=1)
    compile_model(model, recipe, 6, keras.losses.CategoricalCrossentropy(), keras.metrics.CategoricalAccuracy())
    losses = [float(model.train_on_batch(images, targets)[0]) for _ in range(6)]
    return {"losses": [losses[0], losses[-1]], "num_parameters": model.count_params()}


def segment_briefly() -> list[float]:
    """Train a U-Net on a few parts of pages: the losses before and after."""
    from kerascnn.utils.backend import activate

    activate()
    from kerascnn.training.loop import compile_model

    run = prepare_run("synthetic:4", "unet", keywords={"epochs": 1})
    task = load_task(run).inputs()
    random.seed(0)
    model = task.build()
    compile_model(model, run.settings.recipe, 4, task.loss, task.accuracy)
    images, classes, weights = (part[:4] for part in task.batches[0])
    losses = [float(model.train_on_batch(images, classes, sample_weight=weights)[0]) for _ in range(4)]
    return [losses[0], losses[-1]]


def part_of_a_page(model: str, seed: int) -> list:
    """The probabilities of the first pixels of a page."""
    from kerascnn.utils.backend import activate

    predictor = load(model, backend=activate().name)
    return predictor.engine.probabilities(make_training_pages(1, seed)[0].intensity[None, :128, :128]).tolist()


def changes_by_augmentation(**changes) -> list[float]:
    """How far pixels are changed by augmentation, on the average, in each epoch of a recipe."""
    from kerascnn.utils.backend import activate

    activate()
    from kerascnn.training.batches import TrainingBatches
    from kerascnn.training.recipe import choose_recipe

    recipe = choose_recipe("quick", "cnn", batch_size=64, outliers=0.0, **changes)
    images = np.repeat(load_dataset("mnist").train_images[:1], 64, axis=0)
    labels = np.zeros(64, int)
    batches = TrainingBatches(images, labels, recipe, 0, num_classes=10, digits=range(10))
    differences = []
    for epoch in range(recipe.epochs):
        batches.start_epoch(epoch)
        differences.append(float(np.abs(batches[0][0][..., 0] - images).mean()))
    return differences


def outliers_by_epoch(**changes) -> list[list[int]]:
    """Size of a batch, and number of the outliers in it, in each epoch of a recipe."""
    from kerascnn.utils.backend import activate

    activate()
    from kerascnn.training.batches import TrainingBatches
    from kerascnn.training.recipe import choose_recipe

    recipe = choose_recipe("quick", "cnn", **changes)
    mnist = load_dataset("mnist")
    images, labels = mnist.train_images[:512], mnist.train_labels[:512]
    batches = TrainingBatches(images, labels, recipe, 0, num_classes=10, digits=range(10))
    found = []
    for epoch in range(recipe.epochs):
        batches.start_epoch(epoch)
        targets = batches[1][1]
        found.append([len(targets), int((np.ptp(targets, axis=1) == 0).sum())])
    return found


def first_probabilities(model: str, num_images: int) -> list:
    """Probabilities of the first test images."""
    from kerascnn.utils.backend import activate

    predictor = load(model, backend=activate().name)
    return predictor.engine.probabilities(load_dataset("mnist").test_images[:num_images]).tolist()


def save_from_memory(model: str, output: str) -> dict:
    """Save a model that has no file; what is known of it before that."""
    from kerascnn.inference import Predictor
    from kerascnn.utils.backend import activate

    loaded = load(model, backend=activate().name)
    in_memory = Predictor(loaded.engine, loaded.card)
    in_memory.save(output)
    images = load_dataset("mnist").test_images[:20]
    return {
        "repr": repr(in_memory),
        "num_parameters": in_memory.summary().num_parameters,
        "probabilities": in_memory.engine.probabilities(images).tolist(),
    }


def spoil(model: str, output: str, forgotten: list[int], sureness: float) -> None:
    """Write the same model, so that it never says some classes, or is less sure of all that it says."""
    from kerascnn.saving.model_files import save
    from kerascnn.utils.backend import activate
    from kerascnn.utils.staging import staging_directory

    loaded = load(model, backend=activate().name)
    kernel, bias = (sureness * weights for weights in loaded.engine.model.layers[-1].get_weights())
    bias[forgotten] -= 20
    loaded.engine.model.layers[-1].set_weights([kernel, bias])
    with staging_directory(Path(output)) as directory:
        staged = directory / "model.keras"
        loaded.engine.model.save(staged)
        save(Path(output), {".keras": staged}, replace(loaded.card, name=Path(output).stem))


def attention(model: str) -> dict:
    """The attention for a test image, and how far the scores are from what their definition gives by hand."""
    from kerascnn.utils.backend import activate

    whole = load(model, backend=activate().name).engine.model
    from kerascnn.explaining.anatomy import Anatomy
    from kerascnn.explaining.attention import trace_attention

    anatomy = Anatomy(whole)
    image = load_dataset("mnist").test_images[0]
    found = trace_attention(anatomy, image)
    step = anatomy.attentions[0]
    given = anatomy.activations(next(s for s in anatomy.steps if s.name == "block1_norm1"), image)
    query, query_bias, key, key_bias = step.layer.get_weights()[:4]
    queries = np.einsum("td,dhk->htk", given, query) + query_bias[:, None]
    keys = np.einsum("td,dhk->htk", given, key) + key_bias[:, None]
    products = np.exp(np.einsum("hqk,htk->hqt", queries, keys) / np.sqrt(query.shape[-1]))
    by_hand = products / products.sum(axis=-1, keepdims=True)
    rollout = np.eye(by_hand.shape[-1])
    for scores in anatomy.attention_scores(image):
        own_and_seen = 0.5 * scores.mean(axis=0) + 0.5 * np.eye(len(rollout))
        rollout = own_and_seen @ rollout
    return {
        "received": found.received.tolist(),
        "rollout": found.rollout.tolist(),
        "window": found.placement.window(2, 3),
        "edges": found.placement.edges(7, 7),
        "by_hand": float(np.abs(anatomy.attention_scores(image)[0] - by_hand).max()),
        "rollout_by_hand": (rollout.mean(axis=0) * len(rollout)).tolist(),
    }


def decisive_maps(model: str) -> dict:
    """The layer whose maps are weighed, and whether its HiResCAM adds up to the logit, less the bias."""
    from kerascnn.utils.backend import activate

    whole = load(model, backend=activate().name).engine.model
    from kerascnn.explaining.anatomy import Anatomy, as_array

    anatomy = Anatomy(whole)
    image = load_dataset("mnist").test_images[0]
    step, rest = anatomy.cut_after(anatomy.last_maps)
    kernel, bias = whole.layers[-1].get_weights()
    means = anatomy.activations(step, image).mean(axis=(0, 1))
    return {
        "name": step.name,
        "difference": float(np.abs(means @ kernel + bias - anatomy.logits(image[None])[0]).max()),
        "shape": list(as_array(rest(anatomy.activations(step, image)[None])).shape),
    }


TASKS = {
    task.__name__: task
    for task in (
        shapes,
        interrupted_and_resumed,
        train_with_floatx,
        fit_briefly,
        state_of_random_after_fit,
        changes_by_augmentation,
        outliers_by_epoch,
        first_probabilities,
        save_from_memory,
        segment_briefly,
        part_of_a_page,
        attention,
        decisive_maps,
        spoil,
    )
}
