"""Check digits: what tells a personal number from any other run of digits."""

from __future__ import annotations

import ipaddress
from typing import Final

# Issuer ranges by their leading digits, and the lengths they issue (ISO/IEC 7812; the networks' public rules).
_CARDS: Final = (
    (("34", "37"), (15,)),  # American Express
    (("30", "36", "38", "39"), (14, 16)),  # Diners Club
    (("1800", "2131"), (15,)),  # JCB, old
    (("35",), (16, 17, 18, 19)),  # JCB
    (("4",), (13, 16, 19)),  # Visa
    (("51", "52", "53", "54", "55", "22", "23", "24", "25", "26", "27"), (16,)),  # Mastercard
    (("6011", "64", "65"), (16, 17, 18, 19)),  # Discover
    (("62",), (16, 17, 18, 19)),  # UnionPay
    (("50", "56", "57", "58", "63", "67"), (12, 13, 14, 15, 16, 17, 18, 19)),  # Maestro
)


def luhn(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit of the others (ISO/IEC 7812-1, annex B). ASCII digits only."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


def card_number(digits: str) -> bool:
    """Whether the digits can be a payment card: a known issuer, a length it issues, and the Luhn check digit."""
    issued = any(len(digits) in lengths and digits.startswith(heads) for heads, lengths in _CARDS)
    return issued and luhn(digits)


def my_number(digits: str) -> bool:
    """Whether 12 digits carry the check digit of an Individual Number.

    Source: Order of the Ministry of Internal Affairs and Communications no. 85 of 2014, article 5: the check digit is
    11 - (sum of P_n Q_n mod 11), and 0 where that is above 9; P_n is the n-th digit from the right without the check
    digit, Q_n is n + 1 up to n = 6 and n - 5 after.
    """
    if len(digits) != 12:
        return False
    total = sum(int(digits[11 - n]) * (n + 1 if n <= 6 else n - 5) for n in range(1, 12))
    rest = total % 11
    return int(digits[11]) == (0 if rest <= 1 else 11 - rest)


def host_address(text: str) -> bool:
    """Whether the text is an IPv4 or IPv6 address of some host: not loopback, unspecified, broadcast or multicast."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (
        address.is_loopback or address.is_unspecified or address.is_multicast or text.startswith(("0.", "255.255."))
    )
