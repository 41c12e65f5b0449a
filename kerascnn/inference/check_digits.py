"""Numbers that check themselves: each kind of check digits as a rule."""

from dataclasses import dataclass

from kerascnn.inference.number_automaton import Rule
from kerascnn.utils.errors import UsageError

CHECKS = ("luhn", "mod11", "iban:DE")
"""Check digits that are known; `iban:` is followed by any country whose account numbers are digits."""

# Digits of an IBAN after the letters of its country, which are not read: ISO 13616, the countries without letters.
_IBAN_LENGTHS = {
    "AE": 21, "AT": 18, "BA": 18, "BE": 14, "CR": 20, "CZ": 22, "DE": 20, "DK": 16, "EE": 18, "ES": 22, "FI": 16,
    "HR": 19, "HU": 26, "IL": 21, "IS": 24, "LT": 18, "ME": 20, "NO": 13, "PL": 26, "PT": 23, "RS": 20, "SE": 22,
    "SI": 17, "SK": 22, "TN": 22, "XK": 18,
}  # fmt: skip


def find_check_digits(name: str) -> Rule:
    """Find the rule of a kind of check digits by its name.

    Raises:
        UsageError: If there is none of that name.
    """
    kind, _, country = name.lower().partition(":")
    if kind == "iban" and country.upper() in _IBAN_LENGTHS:
        return Iban(country.upper())
    if kind == "iban":
        raise UsageError(
            "the letters of an IBAN are not read: name its country, as in iban:DE; "
            f"known are those whose account numbers have no letters: {', '.join(_IBAN_LENGTHS)}."
        )
    if kind not in ("luhn", "mod11") or country:
        raise UsageError(f"there are no check digits {name!r}; give one of {', '.join(CHECKS)}.")
    return Luhn() if kind == "luhn" else Mod11()


@dataclass(frozen=True)
class Luhn(Rule):
    """Numbers whose last digit checks the others as on bank cards (ISO/IEC 7812): the Luhn algorithm."""

    start = (0, 0)

    def step(self, state: tuple[int, int], digit: str) -> tuple[int, int]:
        """Add a digit to both sums: of which every second digit, the last one left out or not, counts double."""
        value = int(digit)
        last_single, last_double = state
        # What was the last digit is now the last but one.
        return (last_double + value) % 10, (last_single + value * 2 - 9 * (value > 4)) % 10

    def accepts(self, state: tuple[int, int]) -> bool:
        """Tell whether the sum is a multiple of 10."""
        return state[0] == 0


@dataclass(frozen=True)
class Mod11(Rule):
    """Numbers whose digits, weighted 1, 2, 3, ... from the last one, sum to a multiple of 11: ISBN-10 and others."""

    start = (0, 0)

    def step(self, state: tuple[int, int], digit: str) -> tuple[int, int]:
        """Add a digit: all before it get one more of weight."""
        plain = (state[0] + int(digit)) % 11
        return plain, (state[1] + plain) % 11

    def accepts(self, state: tuple[int, int]) -> bool:
        """Tell whether the weighted sum is a multiple of 11."""
        return state[1] == 0


@dataclass(frozen=True)
class Iban(Rule):
    """The digits of an IBAN (ISO 13616) after the letters of its country, which are not read.

    Args:
        country: Its two letters.
    """

    country: str
    start = (0, 0, 0)

    def step(self, state: tuple[int, int, int], digit: str) -> tuple[int, int, int] | None:
        """Take a check digit, then those of the account."""
        count, check, account = state
        if count == _IBAN_LENGTHS[self.country]:
            return None
        if count < 2:
            return count + 1, 10 * check + int(digit), account
        return count + 1, check, (10 * account + int(digit)) % 97

    def accepts(self, state: tuple[int, int, int]) -> bool:
        """Tell whether the account, the country and the check digits are 1 modulo 97."""
        count, check, account = state
        letters = "".join(str(ord(letter) - ord("A") + 10) for letter in self.country)
        return count == _IBAN_LENGTHS[self.country] and int(f"{account}{letters}{check:02d}") % 97 == 1

    def write(self, digits: str) -> str:
        """Write the country before the digits, in groups of four."""
        text = self.country + digits
        return " ".join(text[start : start + 4] for start in range(0, len(text), 4))
