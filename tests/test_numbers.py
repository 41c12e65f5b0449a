"""Whole numbers: what is known of them, how they are decoded, and what `read` makes of both."""

import json
from itertools import product

import numpy as np
import pytest
from conftest import assert_clear_failure
from PIL import Image

import kerascnn
from kerascnn.datasets.synthetic import make_page
from kerascnn.inference.number_automaton import Rule, count_numbers
from kerascnn.inference.number_decoding import FOLLOWS, decode_number, join_lattices
from kerascnn.inference.segment_evidence import NO_DIGIT
from kerascnn.inference.segment_lattice import Lattice
from kerascnn.utils.errors import UsageError


def holds(rule: Rule, number: str) -> bool:
    """Whether a rule holds for a number."""
    state = rule.start
    for digit in number:
        state = rule.step(state, digit)
        if state is None:
            return False
    return rule.accepts(state)


# === Rules ===


@pytest.mark.parametrize(
    ("known", "followed", "broken"),
    [
        ({"digits": 3}, ["123", "000"], ["12", "1234", ""]),
        ({"digits": "2-3"}, ["12", "123"], ["1", "1234"]),
        ({"pattern": r"(19|20)\d\d-\d{2}"}, ["202412", "199901"], ["212412", "2024", "2024123"]),
        ({"pattern": r"^\d+(,\d\d)?$"}, ["5", "512"], [""]),
        ({"expected": ["12-34", 777, " 5 "]}, ["1234", "777", "5"], ["12", "77", ""]),
        # The numbers by which the algorithms are explained everywhere.
        ({"check": "luhn"}, ["79927398713", "4539578763621486"], ["79927398710", "4539578763621468"]),
        ({"check": "mod11"}, ["0306406152", "0131103628"], ["0306406125", "0131103629"]),
        ({"check": "iban:DE"}, ["89370400440532013000"], ["89370400440532013001", "8937040044053201300"]),
        ({"check": "luhn", "digits": 11}, ["79927398713"], ["4539578763621486"]),
    ],
    ids=["digits", "range", "pattern", "optional part", "list", "luhn", "mod11", "iban", "two rules"],
)
def test_a_rule_holds_for_the_numbers_that_follow_it(known, followed, broken):
    rule = kerascnn.make_rule(**known)
    assert [number for number in followed if not holds(rule, number)] == []
    assert [number for number in broken if holds(rule, number)] == []


@pytest.mark.parametrize(
    ("known", "digits", "written"),
    [
        ({"pattern": r"\d{4}-\d{2}"}, "202412", "2024-12"),
        ({"pattern": r"\d{1,3}(,\d{3})*"}, "1234567", "1,234,567"),
        ({"expected": ["12-34"]}, "1234", "12-34"),
        ({"check": "iban:DE"}, "89370400440532013000", "DE89 3704 0044 0532 0130 00"),
        ({"digits": 4, "expected": ["12/34"]}, "1234", "12/34"),
        ({"digits": 4}, "1234", "1234"),
    ],
    ids=["pattern", "repeated part", "list", "iban", "two rules", "digits"],
)
def test_a_number_is_written_as_its_rule_has_it(known, digits, written):
    assert kerascnn.make_rule(**known).write(digits) == written


def test_the_numbers_of_a_rule_are_counted():
    for known in ({"digits": 4}, {"check": "luhn"}, {"check": "mod11"}, {"pattern": r"[1-3]\d*"}):
        rule = kerascnn.make_rule(**known)
        assert count_numbers(rule, 4) == sum(holds(rule, "".join(digits)) for digits in product("0123456789", repeat=4))


@pytest.mark.parametrize(
    "known",
    [
        {"digits": "many"},
        {"digits": "6-4"},
        {"digits": 0},
        {"pattern": "("},
        {"pattern": "abc"},
        {"check": "crc"},
        {"check": "iban"},
        {"check": "iban:GB"},
        {"expected": []},
        {"expected": ["12", "none"]},
    ],
    ids=str,
)
def test_what_is_no_rule_is_refused_with_a_sentence(known):
    with pytest.raises(UsageError, match=r"\.$"):
        kerascnn.make_rule(**known)


# === Decoding ===


@pytest.fixture(scope="module")
def lattices() -> list[Lattice]:
    """Two glyphs: one that may be cut at either of two places, one that is whole."""
    generator = np.random.default_rng(4)
    first = Lattice([(0, 1), (1, 3), (0, 2), (2, 3), (0, 3)], generator.normal(0, 2, (5, NO_DIGIT + 1)))
    return [first, Lattice([(0, 1)], generator.normal(0, 2, (1, NO_DIGIT + 1)))]


def spell_all(lattice: Lattice) -> dict[str, float]:
    """Sum the weights of all paths by the number that they spell, one by one."""
    totals: dict[str, float] = {}
    labels = [*map(str, range(10)), ""]
    for path in ([0, 1, 5], [2, 3, 5], [4, 5]):
        for chosen in product(range(NO_DIGIT + 1), repeat=len(path)):
            number = "".join(labels[label] for label in chosen)
            weight = sum(lattice.scores[index, label] for index, label in zip(path, chosen, strict=True))
            totals[number] = totals.get(number, 0.0) + float(np.exp(weight))
    return totals


def test_a_number_is_as_probable_as_all_the_paths_that_spell_it(lattices):
    lattice = join_lattices(lattices)
    totals = spell_all(lattice)
    best = sorted((number for number in totals if number), key=lambda number: -totals[number])
    found = decode_number(lattice).numbers
    assert [number.digits for number in found[:3]] == best[:3]
    for number in found[:3]:
        assert number.probability == pytest.approx(totals[number.digits] / sum(totals.values()), rel=1e-3)
        assert len(number.path) == len(number.digits)


def test_a_rule_makes_its_numbers_more_probable_the_fewer_they_are(lattices):
    lattice = join_lattices(lattices)
    totals = spell_all(lattice)
    expected = sorted((number for number in totals if len(number) == 2), key=lambda number: -totals[number])[20:24]
    gain = FOLLOWS * 10**2 / len(expected)
    everything = gain * sum(totals[number] for number in expected) + (1 - FOLLOWS) * sum(totals.values())
    found = decode_number(lattice, kerascnn.make_rule(expected=expected)).numbers
    assert [number.digits for number in found] == expected
    for number in found:
        right = (gain + 1 - FOLLOWS) * totals[number.digits] / everything
        assert number.probability == pytest.approx(right, rel=1e-3)


# === Pages ===


@pytest.fixture(scope="module")
def page():
    """A page of five numbers of 5 to 7 digits, which are all read right without any rule."""
    made = make_page("plain", 304, num_lines=5, digits_per_line=7)
    assert {len(line) for line in made.lines} == {5, 6, 7}
    return made


@pytest.fixture(scope="module")
def picture(page, tmp_path_factory):
    path = tmp_path_factory.mktemp("numbers") / "page.png"
    Image.fromarray(page.picture).save(path)
    return path


def read_numbers(page, **known) -> list[str]:
    """The numbers that are read on a page under a rule."""
    read = kerascnn.read(page.picture, "reference", rule=kerascnn.make_rule(**known))
    return [number.text for line in read.lines for number in line.numbers]


def test_a_line_has_numbers_with_a_probability_a_box_and_a_runner_up(page):
    read = kerascnn.read(page.picture, "reference")
    assert [line.text for line in read.lines] == list(page.lines)
    for line, boxes in zip(read.lines, page.boxes, strict=True):
        (number,) = line.numbers
        assert number.text == line.text
        assert 0.5 < number.confidence <= min(digit.confidence for digit in line.digits) + 0.01
        assert number.runner_up != number.text
        assert number.runner_up_confidence < number.confidence
        assert abs(number.box[0] - boxes[0][0]) < 20
        assert abs(number.box[0] + number.box[2] - boxes[-1][0] - boxes[-1][2]) < 20


def test_numbers_that_do_not_follow_the_rule_are_left_unread_not_bent(page):
    six = [line for line in page.lines if len(line) == 6]
    read = kerascnn.read(page.picture, "reference", rule=kerascnn.make_rule(digits=6))
    assert [line.text for line in read.lines] == six
    assert len(read.unread) == sum(len(line) for line in page.lines if len(line) != 6)
    assert read.marked_text.replace(" ", "").count("?") == len(read.unread)


def test_a_number_below_the_lowest_confidence_is_left_unread(page):
    rule = kerascnn.make_rule(digits="5-7")
    sure = [number for line in kerascnn.read(page.picture, "reference", rule=rule).lines for number in line.numbers]
    level = sorted(number.confidence for number in sure)[2]
    read = kerascnn.read(page.picture, "reference", rule=rule, min_confidence=level)
    assert [line.text for line in read.lines] == [number.text for number in sure if number.confidence >= level]
    assert len(read.lines) == 3


def test_a_list_corrects_what_the_ink_leaves_open_and_nothing_else(page):
    written = [f"{line[:2]}/{line[2:]}" for line in page.lines]
    assert read_numbers(page, expected=[*written, "12345", "99/99999"]) == written
    assert read_numbers(page, expected=["00000", "111111", "2222222"]) == []


def test_a_number_in_two_parts_is_read_as_one_where_the_rule_asks_for_it():
    made = make_page("plain", 21, num_lines=1, digits_per_line=6)
    (line,), middle = made.lines, made.boxes[0][2][0] + made.boxes[0][2][2] + 4
    gap = np.repeat(made.picture[:, middle : middle + 1], 4 * made.boxes[0][0][3], axis=1)
    wide = np.concatenate([made.picture[:, :middle], gap, made.picture[:, middle:]], axis=1)
    apart = kerascnn.read(wide, "reference")
    assert apart.text == f"{line[:3]} {line[3:]}"
    together = kerascnn.read(wide, "reference", rule=kerascnn.make_rule(digits=len(line)))
    assert together.text == line


def test_read_takes_what_is_known_from_its_options(cli, page, picture, tmp_path):
    listed = tmp_path / "ids.txt"
    listed.write_text("\n".join([f"{line[:-1]}-{line[-1]}" for line in page.lines[:2]]), encoding="utf-8-sig")
    result = cli("read", picture, "--model", "reference", "--expect", listed)
    assert result.stdout.decode().split() == listed.read_text(encoding="utf-8-sig").split()
    assert b"pieces of writing read as no such number; --mark-unread shows where" in result.stderr
    result = cli(
        "read", picture, "--model", "reference", "--digits", "5-6", "--pattern", r"\d{3}\.\d+", "--format", "json"
    )
    numbers = [number for line in json.loads(result.stdout)["lines"] for number in line["numbers"]]
    assert [number["text"] for number in numbers] == [f"{x[:3]}.{x[3:]}" for x in page.lines if len(x) < 7]
    assert all(number["confidence"] > 0.5 and set(number["runner_up"]) == {"text", "confidence"} for number in numbers)


def test_rules_that_cannot_be_used_are_named_before_any_work(cli, picture, tmp_path):
    assert cli("read", picture, "--digits", "few").returncode == 2
    assert cli("read", picture, "--check", "iban").returncode == 2
    assert_clear_failure(cli("read", picture, "--expect", tmp_path / "missing.txt"), "missing.txt")
    (tmp_path / "latin.txt").write_bytes(b"12\xe9\n")
    assert_clear_failure(cli("read", picture, "--expect", tmp_path / "latin.txt"), "UTF-8")
