"""A model on disk: `NAME.keras`, `NAME.onnx`, `NAME.csv`, `NAME.png` and, written last, the card `NAME.json`.

The card says what the model is (classes, preparation of pictures, recipe, history, metrics) and carries the SHA-256 of
the other files, by which a file that was replaced or cut short is noticed.
"""

import json
from dataclasses import asdict, dataclass, field, replace
from importlib import resources
from pathlib import Path

from kerascnn.errors import ModelError, OutputError
from kerascnn.files import place, sha256_of, staging_directory

CARD_FORMAT = 1
MAX_ONNX_BYTES = 512 * 2**20
_MAX_CARD_BYTES = 16 * 2**20

ENSEMBLE = "ensemble"
"""What the card of an ensemble names as its architecture."""

REFERENCE, LECTURE, SEGMENTER = "reference", "lecture", "segmenter"
SHIPPED = (REFERENCE, LECTURE, SEGMENTER)
"""The models that are part of the package: the most accurate one, the lecture's `cnn` to look into, and a U-Net."""
DEFAULT_MODEL = Path("saved_models/mnist_cnn.keras")


@dataclass(frozen=True)
class Card:
    """What is known of a model, as it stands in `NAME.json`.

    Args:
        name: of the model.
        architecture: a name of `kerascnn.models`, or `ENSEMBLE`.
        input_shape: height, width, channels.
        class_names: one name a class, in the order of the outputs.
        preparation: how pictures are prepared, a name of `kerascnn.images.PREPARATIONS`; `page` if pages are segmented.
        temperature: by which the last layer's weights were divided to calibrate the confidence.
        rejection_threshold: the confidence below which no answer is given; None to answer always.
        recipe: all hyper-parameters.
        seed: of weights, order and augmentation, and of the split unless `data` names another one.
        data: name, digest, sizes and split of the data set.
        software: versions, backend.
        history: one row an epoch.
        metrics: validation and test results.
        command: the command that makes the model again.
        members: of an ensemble: name, architecture, seed, recipe, validation accuracy and SHA-256 of each.
        files: SHA-256 by file name.
    """

    name: str
    architecture: str
    input_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    preparation: str
    temperature: float = 1.0
    rejection_threshold: float | None = None
    recipe: dict = field(default_factory=dict)
    seed: int = 0
    data: dict = field(default_factory=dict)
    software: dict = field(default_factory=dict)
    history: list = field(default_factory=list)
    metrics: dict = field(default_factory=dict)
    command: str = ""
    members: list = field(default_factory=list)
    files: dict = field(default_factory=dict)

    @property
    def split_seed(self) -> int:
        """By which the data were divided."""
        return self.data.get("split_seed", self.seed)

    @property
    def recognises_digits(self) -> bool:
        """Whether the classes are the ten digits in order."""
        return self.class_names == tuple("0123456789")

    @property
    def segments_pages(self) -> bool:
        """Whether the model says of every pixel of a page what it shows."""
        return self.preparation == "page"

    def to_json(self) -> str:
        """The card's text."""
        return json.dumps({"format": CARD_FORMAT, **asdict(self)}, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Card":
        """The inverse of `to_json`; raises ValueError, KeyError or TypeError if the text is no card."""
        document = json.loads(text)
        if document.pop("format", None) != CARD_FORMAT:
            raise ValueError(f"its format is not {CARD_FORMAT}")
        document["input_shape"] = tuple(int(size) for size in document["input_shape"])
        document["class_names"] = tuple(str(name) for name in document["class_names"])
        if document["preparation"] not in ("mnist", "resize", "page"):
            raise ValueError(f"its preparation {document['preparation']!r} is unknown")
        return cls(**document)


def resolve_model_path(model: str | Path | None) -> Path:
    """Which model a command uses.

    Args:
        model: a path, `"reference"`, `"lecture"` or `"segmenter"` for a model that ships with the package, or None for
            `saved_models/mnist_cnn.keras` below the working directory if it is there, else the reference.

    Returns:
        The path of the `.keras` file.

    Raises:
        ModelError: if the file does not exist.
    """
    if model is None:
        return DEFAULT_MODEL if DEFAULT_MODEL.is_file() else reference_path()
    if str(model) in SHIPPED:
        return package_model(str(model))
    path = Path(model)
    if path.is_file():
        return path
    if path.is_dir():
        raise ModelError(f"{path} is a directory; give a .keras file, or 'reference'.")
    raise ModelError(
        f"there is no model {path}; train one with 'kerascnn fit --output {path}', or use '--model reference'."
    )


def keras_file(output: str | Path) -> Path:
    """Where a new model is written.

    Args:
        output: the user's wish; its ending is `.keras` or nothing.

    Returns:
        The `.keras` file.

    Raises:
        OutputError: if the ending is another, or it is a directory.
    """
    path = Path(output)
    if path.is_dir():
        raise OutputError(f"--output {path} is a directory; give a file, such as {path / 'model.keras'}.")
    if path.suffix == "":
        return path.with_name(path.name + ".keras")
    if path.suffix != ".keras":
        raise OutputError(f"--output {path} ends in {path.suffix!r}; models are written as .keras files.")
    return path


def reference_path() -> Path:
    """The `.keras` file of the model that ships with the package."""
    return package_model(REFERENCE)


def package_model(name: str) -> Path:
    """The `.keras` file of a model that ships with the package, by a name of `SHIPPED`."""
    return Path(str(resources.files("kerascnn") / "reference" / f"{name}.keras"))


def read_card(model_path: Path) -> Card | None:
    """Read the card beside a model.

    Args:
        model_path: the `.keras` file.

    Returns:
        The card; None if there is none.

    Raises:
        ModelError: if there is a card but it cannot be understood.
    """
    path = model_path.with_suffix(".json")
    try:
        if path.stat().st_size > _MAX_CARD_BYTES:
            raise ValueError(f"it is larger than {_MAX_CARD_BYTES} bytes")
        return Card.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(
            f"{path} is not the card of a model ({error}); remove it, or train the model again."
        ) from error


def is_current(path: Path, card: Card) -> bool:
    """Whether a file is the one that the card was written for."""
    return path.is_file() and card.files.get(path.name) == sha256_of(path)


def read_onnx(path: Path) -> bytes:
    """Read an ONNX file that is safe to hand to ONNX Runtime.

    Args:
        path: the file.

    Returns:
        Its bytes.

    Raises:
        ModelError: if it is too large, or refers to data in other files.
    """
    if path.stat().st_size > MAX_ONNX_BYTES:
        raise ModelError(f"{path} is larger than {MAX_ONNX_BYTES // 2**20} MiB, more than any model of kerascnn.")
    content = path.read_bytes()
    # External data are named by an entry with the key "location"; none of our models has the word anywhere.
    if b"location" in content:
        raise ModelError(f"{path} refers to data in other files; export the model into one file.")
    return content


def save(model_path: Path, staged_files: dict[str, Path], card: Card) -> Card:
    """Place the finished files of a model beside each other, the card last.

    Args:
        model_path: the `.keras` file to be.
        staged_files: finished files on the same file system, by suffix (`.keras`, `.onnx`, `.csv`, `.png`).
        card: without the files' digests.

    Returns:
        The card with them, as written.

    Raises:
        OutputError: if the disk is full or not writable.
    """
    targets = {suffix: model_path.with_suffix(suffix) for suffix in staged_files}
    digests = {targets[suffix].name: sha256_of(staged) for suffix, staged in staged_files.items()}
    complete = replace(card, files=digests)
    with staging_directory(model_path) as directory:
        staged_card = directory / "card.json"
        staged_card.write_text(complete.to_json(), encoding="utf-8")
        for suffix, staged in staged_files.items():
            place(staged, targets[suffix])
        place(staged_card, model_path.with_suffix(".json"))
    return complete
