"""Make the notebook from the tutorial: `python docs/notebook.py`."""

import nbformat
from blocks import TUTORIAL, cells


def make() -> nbformat.NotebookNode:
    """Make the notebook, without outputs."""
    made = []
    for number, (kind, source) in enumerate(cells(TUTORIAL.read_text(encoding="utf-8"))):
        new = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
        # The same text gives the same file.
        made.append(new(source, id=f"cell-{number}"))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})


if __name__ == "__main__":
    notebook = make()
    nbformat.validate(notebook)
    nbformat.write(notebook, TUTORIAL.with_suffix(".ipynb"))
