"""Credit card numbers and IBANs, told from other numbers by their check digits.

A card number has 13 to 19 digits, begins with the digit of a known network and passes Luhn's test (ISO/IEC 7812-1),
which one number in ten passes by chance. An IBAN has the length that its country prescribes and is 1 modulo 97
(ISO 13616), which one in 97 is.
"""

import re

from smollab.curate.pii.addresses import substitute

__all__ = ["CARD_MASK", "IBAN_MASK", "is_card", "is_iban", "mask_payment"]

CARD_MASK = "<CARD>"
IBAN_MASK = "<IBAN>"
IBAN_LENGTHS = {
    "AD": 24, "AT": 20, "BE": 16, "BG": 22, "BR": 29, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "EE": 20,
    "ES": 24, "FI": 18, "FR": 27, "GB": 22, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IS": 26, "IT": 27, "LI": 21,
    "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24, "SE": 24,
    "SI": 19, "SK": 24, "SM": 27, "TR": 26,
}  # fmt: skip
"""Country -> characters."""

_CARD = re.compile(r"(?<![\w.,+-])[2-6](?:[ -]?\d){12,18}(?![\w]|[.,-]\d)")
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,27}(?!\w)")
_CARD_GROUPS = re.compile(r"\d+$|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}$|\d{4}([ -])\d{6}\2\d{5}$")


def mask_payment(text: str) -> tuple[str, int]:
    """Replace card numbers and IBANs; return the text and how many were replaced."""
    text, ibans = substitute(_IBAN, (IBAN_MASK,), text, lambda match: is_iban(match[0]))
    text, cards = substitute(_CARD, (CARD_MASK,), text, lambda match: is_card(match[0]))
    return text, ibans + cards


def is_card(found: str) -> bool:
    """Say whether digits are grouped like a card number and pass Luhn's test."""
    digits = [int(character) for character in found if character.isdigit()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) < 2 or not _CARD_GROUPS.match(found):
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[::-2]) + sum(doubled)) % 10 == 0


def is_iban(found: str) -> bool:
    """Say whether text has the length of its country's IBANs and their check digits."""
    compact = found.replace(" ", "")
    if len(compact) != IBAN_LENGTHS.get(compact[:2]):
        return False
    return int("".join(str(int(character, 36)) for character in compact[4:] + compact[:4])) % 97 == 1
