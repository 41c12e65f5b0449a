"""Runs the tasks of one backend, one after another, in one process: importing a framework takes longer than most of
them.

Requests and answers are JSON, one a line: `{"task": name, "arguments": {...}}` to `{"value": ...}` or `{"error":
text}`.
"""

import json
import sys
import traceback

import explaining_tasks
import numpy as np

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


def probabilities(model: str, output: str) -> None:
    """Write the probabilities of the 10,000 test images."""
    from kerascnn.backend import activate
    from kerascnn.inference import load

    predictor = load(model, backend=activate().name)
    np.save(output, predictor.engine.probabilities(load_dataset("mnist").test_images))


def predict(model: str, pictures: list[str]) -> list[int]:
    """The digits of some pictures."""
    from kerascnn.backend import activate

    return [prediction.digit for prediction in kerascnn.load(model, backend=activate().name).predict(pictures)]


def load_refused(model: str) -> str:
    """The message with which a model is refused."""
    from kerascnn.backend import activate

    try:
        kerascnn.load(model, backend=activate().name)
    except kerascnn.KerasCNNError as error:
        return str(error)
    return ""


def backend() -> str:
    """What Keras runs on."""
    import keras

    return keras.config.backend()


TASKS = {task.__name__: task for task in (fit, probabilities, predict, load_refused, backend)}
TASKS |= explaining_tasks.TASKS


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
