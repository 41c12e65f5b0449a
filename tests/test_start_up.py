"""The walls that keep start-up quick and modules apart."""

import ast
import json
import sys
from pathlib import Path
from subprocess import run

import pytest
from conftest import clean_environment

import kerascnn

PACKAGE = Path(kerascnn.__file__).parent
HEAVY = {"keras", "tensorflow", "jax", "torch", "matplotlib", "onnxruntime", "onnx", "tf2onnx", "cv2", "PIL", "numpy"}
FRAMEWORKS = {"keras", "tensorflow", "jax", "torch", "matplotlib"}


def imported_by(*arguments: str) -> set[str]:
    """The top-level modules that a command has imported when it ends."""
    code = (
        "import sys, json, atexit\n"
        "names = lambda: sorted({name.split('.')[0] for name in sys.modules})\n"
        "atexit.register(lambda: print(json.dumps(names()), file=sys.stderr))\n"
        f"sys.argv = ['kerascnn', *{list(arguments)!r}]\n"
        "from kerascnn.cli import main\n"
        "main()"
    )
    result = run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=clean_environment())
    return set(json.loads(result.stderr.splitlines()[-1]))


@pytest.mark.parametrize(
    "arguments", [("--help",), ("fit", "--help"), ("predict", "--help"), ("explain", "--help"), ("--version",)]
)
def test_help_imports_nothing_heavy(arguments):
    assert not imported_by(*arguments) & HEAVY


def test_completion_imports_nothing_heavy():
    code = "import sys; from kerascnn.cli import main\ntry: main()\nfinally: print(*sys.modules)"
    variables = {"_KERASCNN_COMPLETE": "complete_bash", "COMP_WORDS": "kerascnn fit --rec", "COMP_CWORD": "2"}
    result = run([sys.executable, "-c", code], capture_output=True, text=True, env=clean_environment(**variables))
    completed, *imported = result.stdout.split()
    assert completed == "--recipe"
    assert not {name.split(".")[0] for name in imported} & HEAVY


def test_predict_imports_no_framework(tmp_path, photo):
    photo(4).save(tmp_path / "four.png")
    assert not imported_by("predict", str(tmp_path / "four.png"), "--model", "reference") & FRAMEWORKS


def test_summary_of_the_model_that_ships_imports_nothing_heavy():
    assert not imported_by("summary") & HEAVY
    assert not imported_by("summary", "--architecture", "cnn", "--input-shape", "64x64x3") & HEAVY


def test_models_imports_no_framework():
    assert not imported_by("models") & FRAMEWORKS


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, json, kerascnn; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    result = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(json.loads(result.stdout)) & HEAVY


def imported_at_module_level(body: list[ast.stmt]) -> set[str]:
    """Collect the top-level modules that statements import, those within functions and for types alone left out."""
    names: set[str] = set()
    for node in body:
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.If | ast.Try | ast.With | ast.ClassDef) and "TYPE_CHECKING" not in ast.unparse(node):
            names |= imported_at_module_level(
                [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
            )
    return names


@pytest.mark.parametrize("room", ["cli", "images", "summary", "utils"])
def test_light_modules_import_no_framework_at_module_level(room):
    paths = list((PACKAGE / room).rglob("*.py"))
    assert len(paths) > 3
    for path in paths:
        assert not imported_at_module_level(ast.parse(path.read_text(encoding="utf-8")).body) & FRAMEWORKS, path
