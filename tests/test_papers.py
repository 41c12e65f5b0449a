"""The page from a stack of papers to a table is true: its commands print what it says."""

import os
import subprocess
import sys
from pathlib import Path

from conftest import clean_environment
from test_tutorial import blocks

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "papers.md").read_text(encoding="utf-8")


def test_its_commands_print_what_it_says(tmp_path):
    scripts = str(Path(sys.executable).parent)
    environment = clean_environment(PATH=f"{scripts}{os.pathsep}{os.environ['PATH']}")
    found = blocks.blocks(TEXT)
    for block, following in zip(found, [*found[1:], None], strict=True):
        if block.kind != "sh":
            continue
        result = subprocess.run(
            ["bash", "-ec", block.content], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stderr
        if following is not None and following.kind == "output":
            assert result.stdout == following.content
    assert (tmp_path / "drawn").is_dir()
    assert (tmp_path / "review.html").is_file()
