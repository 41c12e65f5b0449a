"""Pictures that are broken, absurd or made to do harm: one sentence, bounded memory and time, the others go on."""

from collections.abc import Iterator

import numpy as np
import pytest
from limits import MIB, LimitedWorker
from PIL import Image

pytestmark = pytest.mark.hostile


@pytest.fixture(scope="module")
def limited() -> Iterator[LimitedWorker]:
    """One process for all pictures: 1.5 GB and 20 s of the processor for each."""
    worker = LimitedWorker(1500 * MIB, 20)
    yield worker
    worker.close()


@pytest.mark.parametrize("shape", [(1, 1_000_000), (1_000_000, 1), (30, 300_000)])
def test_a_thin_picture_is_predicted_like_any_other(limited, tmp_path, shape):
    noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    Image.fromarray(noise).save(tmp_path / "thin.png", compress_level=1)
    result = limited.run_cli("predict", tmp_path / "thin.png")
    assert result.returncode == 0, result.stderr
    assert result.stdout
