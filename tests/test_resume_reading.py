"""`read --resume` goes on where an interrupted command stopped, and gives what an uninterrupted one gives."""

import signal
import subprocess
import sys
import time

import pytest
from conftest import assert_clear_failure, clean_environment
from PIL import Image

from kerascnn.datasets.synthetic import make_page, write_forms

NUM_PAGES = 6


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """Six small pages of a few numbers each."""
    path = tmp_path_factory.mktemp("pages") / "scans"
    path.mkdir()
    for seed in range(NUM_PAGES):
        Image.fromarray(make_page("plain", seed=seed, num_lines=2, digits_per_line=4).picture).save(
            path / f"{seed}.png"
        )
    return path


def start(*arguments, cwd):
    command = [sys.executable, "-P", "-m", "kerascnn", "read", *map(str, arguments)]
    environment = clean_environment(PYTHONUNBUFFERED="1")
    return subprocess.Popen(command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def kill_after(process, journal, count):
    """Kill a command when it has read so many pages."""
    while process.poll() is None:
        if journal.is_file() and journal.read_bytes().count(b"\n") >= count:
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_a_table_is_that_of_an_uninterrupted_command(cli, scans, tmp_path):
    whole = cli("read", str(scans), "--output", "whole.csv")
    assert whole.returncode == 0, whole.stderr
    journal = tmp_path / ".numbers.csv.pages.jsonl"
    kill_after(start(scans, "--output", "numbers.csv", cwd=tmp_path), journal, 2)
    assert not (tmp_path / "numbers.csv").exists()
    # Half a line, as of a command that was killed while it wrote one.
    journal.write_bytes(journal.read_bytes() + b'{"picture": "12')
    resumed = cli("read", str(scans), "--output", "numbers.csv", "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert b"of the interrupted command are not read again" in resumed.stderr
    assert (tmp_path / "numbers.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert not list(tmp_path.glob(".*pages.jsonl"))


def test_drawings_and_text_are_those_of_an_uninterrupted_command(cli, scans, tmp_path):
    whole = cli("read", str(scans), "--output", "whole", "--format", "json")
    journal = tmp_path / ".found.pages.jsonl"
    kill_after(start(scans, "--output", "found", "--format", "json", cwd=tmp_path), journal, 2)
    resumed = cli("read", str(scans), "--output", "found", "--format", "json", "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert resumed.stdout == whole.stdout
    drawn = {path.name: path.read_bytes() for path in (tmp_path / "found").glob("*.png")}
    assert drawn == {path.name: path.read_bytes() for path in (tmp_path / "whole").glob("*.png")}
    assert len(drawn) == NUM_PAGES


def test_results_may_go_to_the_working_directory(cli, scans, tmp_path):
    kill_after(start(scans, "--output", ".", cwd=tmp_path), tmp_path / ".pages.jsonl", 1)
    resumed = cli("read", str(scans), "--output", ".", "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert len(list(tmp_path.glob("*.png"))) == NUM_PAGES
    assert not (tmp_path / ".pages.jsonl").exists()


def test_what_was_read_otherwise_is_read_again(cli, scans, tmp_path):
    kill_after(start(scans, "--output", "found.csv", cwd=tmp_path), tmp_path / ".found.csv.pages.jsonl", 1)
    once = cli("read", str(scans), "--output", "found.csv", "--resume", "--digits", "4", "--format", "json")
    assert once.returncode == 0, once.stderr
    again = cli("read", str(scans), "--digits", "4", "--format", "json")
    assert once.stdout == again.stdout


def test_forms_are_resumed(cli, tmp_path):
    write_forms(tmp_path / "stack", 2, 7, style="scan")
    cli("template", "stack/form-7-blank.png")
    forms = [f"stack/form-7-{number}.png" for number in (1, 2)]
    journal = tmp_path / ".forms.csv.pages.jsonl"
    kill_after(start(*forms, "--template", "form.json", "-o", "forms.csv", cwd=tmp_path), journal, 1)
    resumed = cli("read", *forms, "--template", "form.json", "-o", "forms.csv", "--resume")
    assert b"1 page of the interrupted command" in resumed.stderr
    assert (tmp_path / "forms.csv").read_bytes().count(b"\n") == 3


def test_there_must_be_an_output_to_go_on_with(cli, scans):
    assert_clear_failure(cli("read", str(scans), "--resume"), "--resume", "--output", code=2)
