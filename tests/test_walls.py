"""What holds of every file of the package, read without importing it: names and imports."""

import ast
import json
import re
from functools import cache
from pathlib import Path

import kerascnn

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "kerascnn"

Function = ast.FunctionDef | ast.AsyncFunctionDef

MAX_PARAMETERS = 7


@cache
def parse(path: Path) -> ast.Module:
    """Parse a file of Python."""
    return ast.parse(path.read_text(encoding="utf-8"))


def list_modules() -> list[Path]:
    """List every file of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def find_module(name: str) -> Path | None:
    """Find the file of a module of the package by its dotted name; None if there is none."""
    path = ROOT / name.replace(".", "/")
    return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)


def defined_names(body: list[ast.stmt]) -> set[str]:
    """Collect the names that the statements of a module define, those under a condition included."""
    names: set[str] = set()
    for node in body:
        if isinstance(node, Function | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
        elif isinstance(node, ast.If | ast.Try | ast.With):
            names |= defined_names([child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)])
    return names


# === Names ===


def test_no_module_has_the_name_of_what_its_package_exports():
    clashes = []
    for path in PACKAGE.rglob("__init__.py"):
        inside = {child.stem for child in path.parent.iterdir() if child.suffix == ".py" or child.is_dir()}
        exported = set()
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.ImportFrom):
                # A package may export one of its modules.
                exported |= {alias.name for alias in node.names if find_module(f"{node.module}.{alias.name}") is None}
            elif isinstance(node, Function | ast.ClassDef):
                exported.add(node.name)
        clashes += [f"{path.parent.relative_to(ROOT)}: {name}" for name in inside & exported]
    assert not clashes, "\n".join(clashes)


def test_the_package_has_every_name_that_it_promises():
    assert "fit" in kerascnn.__all__
    assert [name for name in kerascnn.__all__ if not hasattr(kerascnn, name)] == []


# === Imports of what stands beside the package ===


def list_code() -> dict[str, ast.Module]:
    """Collect scripts, tests, and the Python of documents and notebooks, by where it stands."""
    code = {}
    for directory in ("benchmarks", "docs", "tests"):
        for path in sorted((ROOT / directory).rglob("*.py")):
            code[str(path.relative_to(ROOT))] = parse(path)
    for path in [ROOT / "tasks.py", *(ROOT / ".ci").glob("*.py")]:
        code[str(path.relative_to(ROOT))] = parse(path)
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]):
        for number, block in enumerate(
            re.findall(r"^```python\n(.*?)^```$", path.read_text(encoding="utf-8"), re.S | re.M)
        ):
            if ">>>" not in block:
                code[f"{path.relative_to(ROOT)}, block {number}"] = ast.parse(block)
    for path in sorted((ROOT / "docs").rglob("*.ipynb")):
        for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"]):
            source = "".join(cell["source"])
            if cell["cell_type"] == "code" and not source.startswith(("!", "%")):
                code[f"{path.relative_to(ROOT)}, cell {number}"] = ast.parse(source)
    return code


def has(module: str, name: str) -> bool:
    """Whether a module of the package has a name."""
    path = find_module(module)
    if path is None:
        return False
    if module == "kerascnn" and (name in kerascnn.__all__ or name == "__file__"):
        return True
    return name in defined_names(parse(path).body) or find_module(f"{module}.{name}") is not None


def unresolved(tree: ast.AST) -> list[str]:
    """List what code imports from the package, or asks it for, that is not there."""
    missing = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "kerascnn":
            missing += [f"{node.module}.{alias.name}" for alias in node.names if not has(node.module, alias.name)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.split(".")[0] == "kerascnn"]
            missing += [name for name in names if find_module(name) is None]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "kerascnn":
            missing += [] if has("kerascnn", node.attr) else [f"kerascnn.{node.attr}"]
    return missing


def test_scripts_tests_and_documents_import_what_is_there():
    code = list_code()
    assert len(code) > 50
    missing = [f"{where}: {name}" for where, tree in code.items() for name in unresolved(tree)]
    assert not missing, "\n".join(missing)


def test_the_package_imports_what_is_there():
    missing = [f"{path.relative_to(ROOT)}: {name}" for path in list_modules() for name in unresolved(parse(path))]
    assert not missing, "\n".join(missing)


# === Functions ===


def functions_of(tree: ast.AST, owner: str = "", public: bool = True) -> list[tuple[str, Function, bool]]:
    """List functions and methods with their names and whether they are public; those within functions are not."""
    found = []
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Function):
            found.append((owner + node.name, node, public and not node.name.startswith("_")))
            found += functions_of(node, f"{owner}{node.name}.", False)
        elif isinstance(node, ast.ClassDef):
            found += functions_of(node, f"{owner}{node.name}.", public and not node.name.startswith("_"))
        else:
            found += functions_of(node, owner, public)
    return found


def parameters_of(function: Function) -> list[str]:
    """List the parameters of a function, but for the one that a method is called on."""
    arguments = function.args
    names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    names += [argument.arg for argument in (arguments.vararg, arguments.kwarg) if argument]
    return [name for name in names if name not in ("self", "cls")]


def test_no_function_has_more_than_seven_parameters():
    functions = [(path, *found) for path in list_modules() for found in functions_of(parse(path))]
    assert len(functions) > 500
    assert [
        f"{path.relative_to(ROOT)}: {name} has {len(parameters_of(function))}"
        for path, name, function, _ in functions
        if len(parameters_of(function)) > MAX_PARAMETERS
    ] == []


def list_documented(tree: ast.Module) -> list[ast.Module | ast.ClassDef | Function]:
    """List what must have a docstring: the module and what is public in it, but for what a class overrides."""
    found: list[ast.Module | ast.ClassDef | Function] = [tree]
    for node in tree.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            found.append(node)
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and not node.bases:
            found += [one for one in node.body if isinstance(one, Function) and not one.name.startswith("_")]
    return found


def test_everything_public_has_a_docstring():
    lacking = [
        f"{path.relative_to(ROOT)}: {getattr(node, 'name', 'the module')}"
        for path in list_modules()
        for node in list_documented(parse(path))
        if not ast.get_docstring(node)
    ]
    assert lacking == []
