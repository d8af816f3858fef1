"""Check digits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.measure.checks import card_number, host_address, luhn, my_number

DIGITS = st.text("0123456789", min_size=11, max_size=11)


@given(st.text("0123456789", min_size=1, max_size=18))
def test_exactly_one_digit_completes_a_luhn_number(digits: str) -> None:
    """Of the ten digits that may follow, one makes a valid number."""
    assert sum(luhn(digits + last) for last in "0123456789") == 1


@given(st.text("0123456789", min_size=2, max_size=19), st.data())
def test_luhn_sees_every_single_wrong_digit(digits: str, data: st.DataObject) -> None:
    """Changing one digit changes the verdict of a valid number."""
    valid = next(digits + last for last in "0123456789" if luhn(digits + last))
    place = data.draw(st.integers(0, len(valid) - 1))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != valid[place]]))
    assert not luhn(valid[:place] + other + valid[place + 1 :])


def check_digit(digits: str) -> int:
    """The check digit of an Individual Number, with the weights of the order written out from left to right."""
    rest = (
        sum(int(digit) * weight for digit, weight in zip(digits, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2), strict=True)) % 11
    )
    return 0 if rest <= 1 else 11 - rest


@given(DIGITS)
def test_exactly_one_digit_completes_an_individual_number(digits: str) -> None:
    """Of the ten digits that may follow, one makes a valid number: the one of the published weights."""
    assert [last for last in "0123456789" if my_number(digits + last)] == [str(check_digit(digits))]


def test_individual_numbers_have_twelve_digits() -> None:
    """A number of another length is none."""
    assert not my_number("1234567890")
    assert not my_number("")
    assert not my_number("0" * 13)


@pytest.mark.parametrize(
    "digits",
    [
        "4111111111111111",
        "378282246310005",
        "30569309025904",
        "3530111333300000",
        "5555555555554444",
        "6011111111111117",
    ],
)
def test_published_test_cards_are_cards(digits: str) -> None:
    """The networks' test numbers pass, and fail with another last digit or another length."""
    assert card_number(digits)
    assert not card_number(digits[:-1] + str((int(digits[-1]) + 1) % 10))
    assert not card_number("0" + digits)


def test_an_unknown_issuer_is_no_card() -> None:
    """A right Luhn digit alone makes no card."""
    assert not any(card_number(f"799273987100001{last}") for last in range(10))


@pytest.mark.parametrize("text", ["203.0.113.7", "8.8.8.8", "10.1.2.3", "2001:db8::1", "fe80::1:2:3:4"])
def test_addresses_of_hosts(text: str) -> None:
    """IPv4 and IPv6 addresses of hosts count."""
    assert host_address(text)


@pytest.mark.parametrize(
    "text", ["256.1.1.1", "1.2.3", "127.0.0.1", "0.0.0.0", "255.255.255.0", "::1", "12:30:45:10", "01.2.3.4"]
)
def test_what_is_no_host(text: str) -> None:
    """Loopback, masks, times and numbers out of range do not count."""
    assert not host_address(text)
