"""What is known of numbers before they are read: how many digits they have, a pattern, a list, check digits.

Each rule is an automaton that takes a number digit by digit; several rules at once are the product of theirs.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from kerascnn.inference.check_digits import find_check_digits
from kerascnn.inference.number_automaton import DIGITS, Rule, State
from kerascnn.utils.errors import DataError, UsageError

_MOST_BYTES = 32 * 2**20  # of a list of numbers, which takes some thirty times as much memory


@dataclass(frozen=True)
class NumDigits(Rule):
    """Numbers of so many digits.

    Args:
        least: Fewest digits, 1 or more.
        most: Most digits; None for any number of them.
    """

    least: int = 1
    most: int | None = None
    start = 0

    def step(self, state: int, digit: str) -> int | None:
        """Count one more digit."""
        if state == self.most:
            return None
        return state + 1 if self.most is not None else min(state + 1, self.least)

    def accepts(self, state: int) -> bool:
        """Tell whether there are enough digits."""
        return state >= self.least


@dataclass(frozen=True, eq=False)
class Listed(Rule):
    """Numbers of a list.

    Args:
        numbers: The numbers as they are written; what is no digit in them is not looked for on the page.
    """

    numbers: Sequence[str]
    start = ""

    def step(self, state: str, digit: str) -> str | None:
        """Add a digit to those that a listed number begins with."""
        state += digit
        return state if state in self._beginnings else None

    def accepts(self, state: str) -> bool:
        """Tell whether the digits are those of a listed number."""
        return state in self._written

    def write(self, digits: str) -> str:
        """Write the number as the list does."""
        return self._written[digits]

    def allows(self, text: str) -> bool:
        """Tell whether a number is listed as it is written."""
        return text in self._texts

    @cached_property
    def _texts(self) -> set[str]:
        return set(self.numbers)

    @cached_property
    def _written(self) -> dict[str, str]:
        return {"".join(filter(DIGITS.__contains__, number)): number for number in reversed(self.numbers)}

    @cached_property
    def _beginnings(self) -> set[str]:
        return {digits[:length] for digits in self._written for length in range(len(digits) + 1)}


class Pattern(Rule):
    r"""Numbers of a pattern, such as `\d{4}-\d{2}`: a regular expression without look-around or groups to refer to.

    What is no digit in it is not looked for on the page, but written.

    Args:
        expression: The pattern, which the whole number has to match.

    Raises:
        UsageError: If it is no such expression, or no number of digits matches it.
    """

    def __init__(self, expression: str) -> None:
        from greenery import parse  # lazy, since few pages are read with a pattern

        try:
            machine = parse(expression.removeprefix("^").removesuffix("$")).to_fsm()
        # The parser raises several kinds of errors, and recurses.
        except Exception as error:
            raise UsageError(rf"{expression!r} is no pattern of numbers; give one such as \d{{4}}-\d{{2}}.") from error
        self._finals = machine.finals
        live = {state for state in machine.states if machine.islive(state)}
        self._moves: dict[Any, dict[str, Any]] = {
            state: dict(_list_moves(moves, live)) for state, moves in machine.map.items()
        }
        self.start = self._follow({machine.initial})
        self._first = machine.initial
        if not any(self._moves[state].keys() & set(DIGITS) for state in self._moves):
            raise UsageError(f"{expression!r} has no digits, so that no number is like it; give a pattern with some.")

    def step(self, state: frozenset[Any], digit: str) -> frozenset[Any] | None:
        """Follow a digit, and whatever may stand after it that is none."""
        return self._follow({self._moves[one][digit] for one in state if digit in self._moves[one]}) or None

    def accepts(self, state: frozenset[Any]) -> bool:
        """Tell whether the pattern may end here."""
        return bool(state & self._finals)

    def write(self, digits: str) -> str:
        """Write a number with the fewest other characters that the pattern asks for."""
        written: dict[Any, str] = self._insert({self._first: ""})
        for digit in digits:
            # The shortest text of several that lead to one state comes last.
            longest_first = sorted(written.items(), key=lambda one: -len(one[1]))
            taken = {
                self._moves[state][digit]: text + digit for state, text in longest_first if digit in self._moves[state]
            }
            written = self._insert(taken)
        return min((text for state, text in written.items() if state in self._finals), key=len)

    def allows(self, text: str) -> bool:
        """Tell whether a number matches the pattern as it is written."""
        state: Any = self._first
        for character in text:
            state = self._moves[state].get(character)
            if state is None:
                return False
        return state in self._finals

    def _follow(self, states: set[Any]) -> frozenset[Any]:
        return frozenset(self._insert(dict.fromkeys(states, "")))

    def _insert(self, written: dict[Any, str]) -> dict[Any, str]:
        """Add the states that are reached by characters that are not read, with the shortest text for each."""
        pending, result = sorted(written, key=lambda state: len(written[state])), dict(written)
        while pending:
            state = pending.pop(0)
            for character, following in self._moves[state].items():
                if character not in DIGITS and following not in result:
                    result[following] = result[state] + character
                    pending.append(following)
        return result


def _list_moves(moves: Any, live: set[Any]) -> Iterator[tuple[str, Any]]:
    """List the characters that lead on: digits, and others that stand for nothing but themselves."""
    for characters, following in moves.items():
        if following not in live:
            continue
        yield from ((digit, following) for digit in DIGITS if characters.accepts(digit))
        if not characters.negated and characters.num_chars() == 1:
            (character,) = characters.get_chars()
            if character not in DIGITS:
                yield character, following


class Combined(Rule):
    """Numbers that several rules hold for; the last one that writes them otherwise than digit by digit has the say.

    Args:
        rules: The rules, at least one.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self.start = tuple(rule.start for rule in rules)

    def step(self, state: tuple[State, ...], digit: str) -> State | None:
        """Take a digit in every rule."""
        following = tuple(rule.step(one, digit) for rule, one in zip(self.rules, state, strict=True))
        return None if None in following else following

    def accepts(self, state: tuple[State, ...]) -> bool:
        """Tell whether all rules accept."""
        return all(rule.accepts(one) for rule, one in zip(self.rules, state, strict=True))

    def write(self, digits: str) -> str:
        """Write an accepted number."""
        written = [rule.write(digits) for rule in self.rules]
        return next((text for text in reversed(written) if text != digits), digits)

    def allows(self, text: str) -> bool:
        """Tell whether all rules allow a number as it is written."""
        return all(rule.allows(text) for rule in self.rules)


def make_rule(
    digits: str | int | None = None,
    pattern: str | None = None,
    expected: Iterable[str | int] | None = None,
    check: str | None = None,
) -> Rule | None:
    r"""Make one rule of all that is known of the numbers on a page.

    Args:
        digits: How many digits each has: `8`, or `"4-6"`.
        pattern: What each is like, such as `r"\d{4}-\d{2}"`.
        expected: The numbers that may occur.
        check: The check digits that each has: `"luhn"`, `"mod11"`, or `"iban:DE"` with the country.

    Returns:
        The rule; None if nothing is known.

    Raises:
        UsageError: If one of them is malformed, or no number at all is like that.

    Example:
        >>> rule = kerascnn.make_rule(digits="4-6", check="luhn")
        >>> kerascnn.read("cards.png", rule=rule)
    """
    rules: list[Rule] = []
    if digits is not None:
        rules.append(_parse_num_digits(str(digits)))
    if check is not None:
        rules.append(find_check_digits(check))
    if pattern is not None:
        rules.append(Pattern(pattern))
    if expected is not None:
        rules.append(_list_expected(expected))
    if not rules:
        return None
    return rules[0] if len(rules) == 1 else Combined(rules)


def load_expected(path: Path) -> list[str]:
    """Load the numbers that may occur from a text file, one a line.

    Raises:
        DataError: If it cannot be read or is no text in UTF-8.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(f"{path} is larger than {_MOST_BYTES // 2**20} MiB; give fewer numbers.")
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no text in UTF-8; save it as one, with one number a line.") from error
    except OSError as error:
        raise DataError(f"the list of numbers {path} cannot be read ({error.strerror}).") from error


def _parse_num_digits(text: str) -> NumDigits:
    least, _, most = text.partition("-")
    if not (least.isdecimal() and (most or least).isdecimal() and 1 <= int(least) <= int(most or least) <= 100):
        raise UsageError(f"{text!r} is no number of digits; give one such as 8, or a range such as 4-6.")
    return NumDigits(int(least), int(most or least))


def _list_expected(expected: Iterable[str | int]) -> Listed:
    numbers = [text for number in expected if (text := str(number).strip())]
    for number in numbers:
        if not any(digit in DIGITS for digit in number):
            raise UsageError(f"the expected number {number!r} has no digits; give one number a line, and nothing else.")
    if not numbers:
        raise UsageError("no number is expected; give those that may occur, one a line.")
    return Listed(numbers)
