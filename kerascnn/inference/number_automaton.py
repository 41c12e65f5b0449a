"""What a rule that numbers follow is: an automaton that takes a number digit by digit."""

from abc import ABC, abstractmethod
from collections.abc import Hashable
from typing import Any

State = Hashable
"""Where an automaton is after some digits."""

DIGITS = "0123456789"


class Rule(ABC):
    """An automaton over digits; `start` is where a number begins."""

    start: State

    @abstractmethod
    def step(self, state: Any, digit: str) -> State | None:
        """Take one more digit; None if no number goes on like this."""

    @abstractmethod
    def accepts(self, state: Any) -> bool:
        """Tell whether a number may end here."""

    def write(self, digits: str) -> str:
        """Write an accepted number as people do, with what stands between its digits."""
        return digits

    def allows(self, text: str) -> bool:
        """Tell whether an accepted number may be written like this, with symbols that were read.

        Any are allowed where the rule writes none itself.
        """
        digits = "".join(filter(DIGITS.__contains__, text))
        return self.write(digits) == digits


def count_numbers(rule: Rule, num_digits: int) -> int:
    """Count the numbers of so many digits that a rule holds for."""
    counts: dict[Any, int] = {rule.start: 1}
    for _ in range(num_digits):
        following: dict[Any, int] = {}
        for state, count in counts.items():
            for digit in DIGITS:
                reached = rule.step(state, digit)
                if reached is not None:
                    following[reached] = following.get(reached, 0) + count
        counts = following
    return sum(count for state, count in counts.items() if rule.accepts(state))
