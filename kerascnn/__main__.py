"""The command `kerascnn`, which `python -m kerascnn` is as well.

What takes time to import is imported by `main`, once a signal ends the process without a traceback.
"""

import signal


def main() -> None:
    """Run the command."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # without a word, for the few milliseconds of the next import
    from kerascnn.utils.interrupts import end_at_stops, leave

    end_at_stops()
    from kerascnn.cli import main as run

    try:
        run()
    except SystemExit as end:
        leave(end.code)


if __name__ == "__main__":
    main()
