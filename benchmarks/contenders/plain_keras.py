"""A plain Keras script on TensorFlow: the lecture's network, Adam, `validation_split`.

python benchmarks/contenders/plain_keras.py --epochs 3
"""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from keras import layers
from measuring import Stopwatch, parse_arguments, report

from kerascnn.datasets import load_dataset

BATCH_SIZE = 128


class Measure(keras.callbacks.Callback):
    """Callback that drives the stopwatch."""

    def on_epoch_begin(self, epoch, logs=None):
        watch.epoch_begins()

    def on_train_batch_end(self, batch, logs=None):
        watch.step_done()

    def on_epoch_end(self, epoch, logs=None):
        watch.epoch_ends()


arguments = parse_arguments(__doc__)
keras.utils.set_random_seed(arguments.seed)
data = load_dataset(arguments.data)
images = data.train_images[..., None].astype("float32") / 255
test_images = data.test_images[..., None].astype("float32") / 255

model = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        layers.Conv2D(32, 3, activation="relu"),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Dropout(0.25),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
watch = Stopwatch(BATCH_SIZE)
fit = {"batch_size": BATCH_SIZE, "epochs": arguments.epochs, "verbose": 0, "callbacks": [Measure()]}
if arguments.limit_steps:
    count = BATCH_SIZE * arguments.limit_steps
    model.fit(images[:count], data.train_labels[:count], **fit)
    report(arguments, watch, {"val_accuracy": None, "test_accuracy": None})
else:
    history = model.fit(images, data.train_labels, validation_split=0.2, **fit).history
    _, test_accuracy = model.evaluate(test_images, data.test_labels, verbose=0)
    report(arguments, watch, {"val_accuracy": history["val_accuracy"][-1], "test_accuracy": round(test_accuracy, 4)})
