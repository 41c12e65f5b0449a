"""Run functions and commands under limits of memory and time, so that a bound that is lost is a failed test.

The memory is what a process asks for itself, beyond what it had when the limit was set (RLIMIT_DATA); the time is that
of the processor (RLIMIT_CPU), which other processes of the machine do not take away.
"""

import contextlib
import json
import logging
import os
import resource  # which Windows does not have
import signal
import subprocess
import sys
import tempfile
import traceback
from importlib import import_module
from pathlib import Path

MIB = 2**20


class LimitedWorker:
    """A process that runs functions one after the other, each under limits of its own; started anew if it dies.

    Args:
        memory: Bytes that a function may add to what the process has.
        seconds: Processor time that a function may take.
    """

    def __init__(self, memory: int, seconds: int) -> None:
        self._limits = {"memory": memory, "seconds": seconds}
        self._process: subprocess.Popen | None = None

    def __call__(self, function: str, **arguments):
        """Run `module:function` and return what it returns, which is plain values; fail where it fails."""
        if self._process is None:
            from conftest import clean_environment  # not in the process itself, which would start more slowly

            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=clean_environment(PYTHONPATH=os.pathsep.join(sys.path)),
            )
        request = {"function": function, "arguments": arguments, **self._limits}
        self._process.stdin.write(json.dumps(request, default=str) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            code, self._process = self._process.wait(), None
            died = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            raise AssertionError(f"{function} with {arguments} ended the process: {died}")
        result = json.loads(answer)
        assert "error" not in result, result["error"]
        return result["value"]

    def run_cli(self, *arguments, stdin: Path | None = None) -> subprocess.CompletedProcess:
        """Run a command of kerascnn in the process."""
        result = self(
            "limits:run_command", arguments=[str(one) for one in arguments], stdin=None if stdin is None else str(stdin)
        )
        code, stdout, stderr = result
        return subprocess.CompletedProcess(arguments, code, stdout.encode(), stderr.encode())

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.stdin.close()
            self._process.wait()
            self._process.stdout.close()
            self._process = None


def run_command(arguments: list[str], stdin: str | None = None) -> tuple[int, str, str]:
    """Run a command of kerascnn in this process; return the exit code, and what went to stdout and stderr.

    What a library writes beneath Python's streams is caught as well.
    """
    from kerascnn.cli import app

    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile()) for _ in (1, 2)]
        given = stack.enter_context(Path(stdin or os.devnull).open("rb"))
        for number, file in enumerate((given, *files)):
            stack.callback(os.close, kept := os.dup(number))
            stack.callback(os.dup2, kept, number)
            os.dup2(file.fileno(), number)
        streams = sys.stdin, sys.stdout, sys.stderr
        sys.stdin = stack.enter_context(open(0, closefd=False))
        sys.stdout, sys.stderr = (
            stack.enter_context(open(number, "w", closefd=False, errors="backslashreplace")) for number in (1, 2)
        )
        code = 0
        try:
            app(arguments, prog_name="kerascnn")
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        except BaseException:
            code = 99
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            sys.stdin, sys.stdout, sys.stderr = streams
        for file in files:
            file.seek(0)
        return code, *(file.read().decode(errors="replace") for file in files)


def run_with_open_files(most: int, arguments: list[str]) -> tuple[int, str, str]:
    """Run a command of kerascnn in this process, which may have so many files open."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, before[1]))
    try:
        return run_command(arguments)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def set_limits(memory: int, seconds: int) -> None:
    """Limit this process to so many bytes and seconds more than it has taken."""
    status = Path("/proc/self/status")
    used = 0
    if status.exists():
        used = next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if "VmData" in line)
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (used + memory, hard))
    taken = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(taken.ru_utime + taken.ru_stime) + seconds + 1, hard))


def run_limited(*command, memory: int, seconds: int, **settings) -> subprocess.CompletedProcess:
    """Run a command in a process of its own under limits; the settings are those of `subprocess.run`."""
    from conftest import clean_environment

    limiter = "import limits, os, sys; limits.set_limits(int(sys.argv[1]), int(sys.argv[2])); "
    limiter += "os.execv(sys.executable, [sys.executable, *sys.argv[3:]])"
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    return subprocess.run(
        [sys.executable, "-P", "-c", limiter, str(memory), str(seconds), *map(str, command)],
        capture_output=True,
        env=clean_environment(PYTHONPATH=path),
        check=False,
        **({"stdin": subprocess.DEVNULL} if "input" not in settings else {}),
        **settings,
    )


def main() -> None:
    """Answer the requests of a `LimitedWorker`."""
    # TensorFlow warns of compiling anew, as it must here for one model after the other.
    logging.getLogger("tensorflow").addFilter(lambda record: "retracing" not in record.getMessage())
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a function prints must not be taken for an answer
    for line in sys.stdin:
        request = json.loads(line)
        module, name = request["function"].split(":")
        set_limits(request["memory"], request["seconds"])
        try:
            answer = {"value": getattr(import_module(module), name)(**request["arguments"])}
        except Exception:
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
