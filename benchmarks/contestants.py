"""The contestants: plain implementations in `contenders/`, and kerascnn on its backends."""

import json
import subprocess
import sys
from pathlib import Path

_DIRECTORY = Path(__file__).parent / "contenders"

BASELINE = "plain_pytorch"
EXAMPLES = "pytorch_examples"

CONTENDERS = {
    "lecture_pytorch": "the lecture's PyTorch loop (softmax twice)",
    BASELINE: "plain PyTorch loop",
    "plain_keras": "plain Keras script (TensorFlow)",
    EXAMPLES: "settings of the PyTorch examples (batch 64)",
}
"""Script and what it is."""


def ours(backend: str) -> str:
    """The name of kerascnn on a backend, in results and figures."""
    return f"kerascnn on {backend}"


def label(name: str) -> str:
    """Description of a contestant for readers."""
    return CONTENDERS.get(name, name)


def run_contender(name: str, *options: str) -> dict:
    """Run a script of `contenders/` to its end, and return what it reports.

    Args:
        name: Name of the script.
        *options: Options such as `--epochs`, `"1"`.
    """
    command = [sys.executable, str(_DIRECTORY / f"{name}.py"), "--json", *options]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{result.stderr}")
    return json.loads(result.stdout)
