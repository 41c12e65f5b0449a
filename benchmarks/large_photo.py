"""Time and memory of `kerascnn read` on a photo of 16 megapixels, the whole process.

    python benchmarks/large_photo.py

Writes benchmarks/results/large-photo.json.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import results
from PIL import Image

from kerascnn.datasets.synthetic import make_page

SIZE = (4608, 3456)


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--dry-run", action="store_true", help="Run once and record nothing.")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "photo.jpg"
        page = make_page("shadow", 5, num_lines=8, digits_per_line=12, digit_height=200)
        Image.fromarray(page.picture).resize(SIZE, Image.Resampling.BICUBIC).save(path, quality=92)
        seconds = []
        for _ in range(1 if arguments.dry_run else arguments.runs + 1):
            begun = time.perf_counter()
            command = [sys.executable, "-m", "kerascnn", "read", str(path), "--model", "reference"]
            subprocess.run(command, check=True, capture_output=True)
            seconds.append(round(time.perf_counter() - begun, 2))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    counted = seconds[1:] or seconds  # the first run fills the disk's cache
    figures = {"megapixels": round(SIZE[0] * SIZE[1] / 1e6, 1), "seconds": counted, "peak_mebibytes": round(peak)}
    print(figures, "median", statistics.median(counted))
    if not arguments.dry_run:
        results.write("large-photo", {**figures, "median_seconds": statistics.median(counted)})


if __name__ == "__main__":
    main()
