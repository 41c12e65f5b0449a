"""The command `kerascnn`, which `python -m kerascnn` is as well.

What takes time to import is imported by `main`, once a signal ends the process without a traceback.
"""

from kerascnn.utils.interrupts import end_at_stops


def main() -> None:
    """Run the command."""
    end_at_stops()
    from kerascnn.cli import main as run

    run()


if __name__ == "__main__":
    main()
