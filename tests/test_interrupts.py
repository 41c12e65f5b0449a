"""An interrupt is noticed wherever it arrives."""

import gc
import os
import signal
import subprocess
import sys
import time

import pytest
from conftest import clean_environment

import kerascnn
from kerascnn.utils.errors import BackendError, OutputError
from kerascnn.utils.interrupts import delay_stops, remember_interrupts
from kerascnn.utils.locks import reserve_output


class Swallowing:
    """Python drops what is raised in its finalizer."""

    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            pass  # the handler runs between two of these


def test_a_swallowed_interrupt_is_raised_when_it_is_asked_for():
    before = signal.getsignal(signal.SIGINT)
    with remember_interrupts() as raise_if_interrupted:
        raise_if_interrupted()
        Swallowing()
        with pytest.raises(KeyboardInterrupt):
            raise_if_interrupted()
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("error", [ImportError("initialization failed"), BackendError("jax cannot be imported.")])
def test_an_error_into_which_an_interrupt_was_turned_is_the_interrupt(error):
    def fail(before=None):
        with remember_interrupts():
            if before:
                before()
            raise error

    with pytest.raises(KeyboardInterrupt):
        fail(before=Swallowing)
    with pytest.raises(type(error)):
        fail()


def test_an_interrupt_that_everything_swallows_is_raised_again():
    def swallow():
        with remember_interrupts():
            try:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(60)
            except BaseException:  # as some libraries do
                time.sleep(60)

    with pytest.raises(KeyboardInterrupt):
        swallow()


def test_an_inner_block_knows_of_an_interrupt_that_came_before_it():
    with remember_interrupts():
        Swallowing()
        with remember_interrupts() as raise_if_interrupted, pytest.raises(KeyboardInterrupt):
            raise_if_interrupted()


COMMANDS = {
    "help": ("--help",),
    "predict": ("predict", "four.png", "--output", "strips"),
    "models": ("models",),
    "fit": ("fit", "--epochs", "2", "--backend", "jax", "--architecture", "mlp"),
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("command", "seconds"), [("help", 0.1), ("predict", 0.4), ("models", 0.6), ("fit", 1.2)])
def test_a_command_that_is_ended_says_so_and_leaves_nothing(tmp_path, photo, command, seconds, number):
    photo(4).save(tmp_path / "four.png")
    code = "import kerascnn.__main__ as command; from kerascnn.utils.interrupts import end_at_stops; "
    code += "end_at_stops(); print('ready', flush=True); command.main()"
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", code, *COMMANDS[command]],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=clean_environment(),
    )
    process.stdout.readline()
    time.sleep(seconds)
    process.send_signal(number)
    _, message = process.communicate()
    assert b"Traceback" not in message
    if process.returncode:  # else it had ended before
        assert process.returncode == 128 + number, message
        assert len(message.splitlines()) <= 2, message  # the model, and how it ended
        assert b"kerascnn: " in message
        assert not list(tmp_path.glob(".kerascnn*"))


def test_a_child_ends_with_the_process_that_started_it(tmp_path):
    child = "from kerascnn.utils.processes import end_with_parent; import os, time; end_with_parent(); "
    child += "open('pid', 'w').write(str(os.getpid())); time.sleep(600)"
    parent = f"from kerascnn.utils.processes import Child\nwith Child('-c', {child!r}) as process: process.finish()"
    process = subprocess.Popen([sys.executable, "-P", "-c", parent], cwd=tmp_path, env=clean_environment())
    pid = tmp_path / "pid"
    while not (pid.exists() and pid.read_text()):
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    for _ in range(6000):
        try:
            os.kill(int(pid.read_text()), 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    pytest.fail("the child lives on")


def test_a_signal_that_is_ignored_stays_so(tmp_path):
    code = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); "  # as under nohup
    code += "from kerascnn.utils.interrupts import end_at_stops; end_at_stops(); "
    code += "import os; os.kill(os.getpid(), signal.SIGHUP); print('on')"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, env=clean_environment(), check=False)
    assert (result.returncode, result.stdout) == (0, b"on\n")


def test_a_signal_is_delayed_until_something_is_undone():
    undone = []

    def undo():
        with delay_stops():
            os.kill(os.getpid(), signal.SIGINT)
            undone.append(True)

    with pytest.raises(KeyboardInterrupt), remember_interrupts():
        undo()
    assert undone


def test_a_process_that_is_ended_does_not_tidy_up_first():
    """Going through all that a framework has made takes a second, and at a low priority a minute."""
    from kerascnn.training.acceleration.memory import keep_freed_memory

    collections = []
    gc.callbacks.append(lambda phase, facts: collections.append(facts["generation"]))
    try:
        with pytest.raises(KeyboardInterrupt), keep_freed_memory():
            raise KeyboardInterrupt
    finally:
        gc.callbacks.pop()
    assert 2 not in collections


def test_two_processes_never_save_one_model(tmp_path):
    model = kerascnn.load("lecture")
    with reserve_output(tmp_path / "mine.keras"), pytest.raises(OutputError, match="is writing"):
        model.save(tmp_path / "mine.keras")
    assert not list(tmp_path.iterdir())
    assert model.save(tmp_path / "mine.keras").is_file()
