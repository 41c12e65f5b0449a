"""Where the files of an explanation go, and which names they have."""

from itertools import count
from pathlib import Path

from kerascnn.utils.names import derive_name
from kerascnn.utils.outputs import EXPLANATION, OutputDirectory, read_source

FIGURES = (
    *("answer", "attention", "attention-rollout", "exciting-images", "filters", "first-weights", "grad-cam"),
    *("hires-cam", "input-gradient", "integrated-gradients", "mask", "maximised-filters", "occlusion"),
    *("probabilities", "seen"),
)
FEATURE_MAPS = "feature-maps-"
"""Names of the figures, checked before a model is loaded; after `FEATURE_MAPS` follows the name of a layer."""

_DEFAULT_PARENT = Path("explained")


def open_directory(output: str | Path | None, name: str) -> OutputDirectory:
    """Prepare the directory of an explanation, in which only an earlier explanation is replaced.

    It is `explained/NAME` by default, after the picture's name, which is `-` for standard input.
    """
    source = str(Path(name).resolve()) if Path(name).is_file() else name
    path = _find_own_directory(name, source) if output is None else Path(output)
    names = [f"{figure}.png" for figure in FIGURES]
    if path.is_dir():
        names += [member.name for member in path.glob(f"{FEATURE_MAPS}*.png")]
    return OutputDirectory(path, EXPLANATION, [*names, "report.html"], inputs=[name], source=source)


def _find_own_directory(name: str, source: str) -> Path:
    """Name a directory like the picture, with a number where another picture of that name was explained before."""
    stem = _DEFAULT_PARENT / ("standard-input" if name == "-" else derive_name(Path(name).stem, "picture"))
    candidates = (stem if number == 1 else stem.with_name(f"{stem.name}-{number}") for number in count(1))
    return next(path for path in candidates if read_source(path) in (None, source))
