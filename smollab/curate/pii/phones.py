"""Telephone numbers: a regular expression finds what may be one, numbering plans and the surroundings decide.

Most digits of the web are prices, dates, versions and ISBNs, so a number has to look like one. International ones
begin with + or 00. National ones are taken in the countries that speak the document's language, and only if

- a word such as `Tel.` stands before them, or
- they begin with the trunk digit 0 or an area code in brackets and are written in groups, or
- they are written in the North American way, 202-555-0143.

What is left must be valid in the numbering plan of its country: `phonenumbers` (Apache-2.0), Google's data.

**Cost**: the regular expression reads every text; numbering plans are asked only about its matches, a few dozen
microseconds each, and loaded by country when first needed.

**Fails when**: a national number is written without groups and without a word before it, on purpose: `0612345678` may
as well be an article number. Numbers in words, and numbers of countries of other languages, are not found.
"""

import re

from smollab.curate.pii.addresses import substitute

__all__ = ["PHONE_MASK", "REGIONS", "mask_phones"]

PHONE_MASK = "<PHONE>"
REGIONS = {
    "en": ("US", "GB", "AU", "IN", "IE", "NZ", "ZA"),
    "fr": ("FR", "BE", "CH"),
    "es": ("ES", "MX", "AR", "CO"),
    "de": ("DE", "AT", "CH"),
    "it": ("IT", "CH"),
    "pt": ("PT", "BR"),
    "vi": ("VN",),
}
"""Language -> countries whose national numbers are looked for."""
FEWEST_DIGITS, MOST_DIGITS = 7, 15

_CANDIDATE = re.compile(
    r"(?<![\w.,/@:=#+$€£%-])"
    r"(?:\+|00(?=[1-9])|\(0\)|\(?(?=\d))\d[\d \u00a0()./\u2011-]{5,20}\d"
    r"(?![\w@%€$£]|[.,:/-]\d)"
)
_TELEPHONE = re.compile(
    r"(?:tel|tél|tlf|phone|telefon|teléfono|telefono|telefone|téléphone|điện thoại|đt|sđt|fax|mobile?|móvil|"
    r"telemóvel|celular|cellulare|handy|portable|hotline|whatsapp|call)(?:[\w.]{0,8}\s?)?[\s:.()\-–]{0,4}$",
    re.IGNORECASE,
)
_OTHER_NUMBER = re.compile(r"(?:isbn|issn|doi|iban|rfc|nr\.|no\.|art\.|sku|ref\.?|id)[\s:#-]{0,3}$", re.IGNORECASE)
_DATE = re.compile(r"(?:\d{4}[-./ ]\d{1,2}[-./ ]\d{1,2}|\d{1,2}[-./ ]\d{1,2}[-./ ]\d{4})(?!\d)")
_ZIP_CODE = re.compile(r"\d{5}-\d{4}$")
_YEARS = re.compile(r"[12]\d{3}\s?[-/]\s?[12]\d{3}$")
_NO_PHONE = (_DATE, _YEARS, _ZIP_CODE)
_NORTH_AMERICAN = re.compile(r"(?:\(\d{3}\) ?|\d{3}[-.])\d{3}[-.]\d{4}$")
_GROUPED = re.compile(r"(?:0\d{1,5}|\(0?\d{1,5}\))[ \u00a0./\u2011-]{1,2}\d{2,}")
CONTEXT = 24
"""Characters before a candidate that are looked at."""


def mask_phones(text: str, language: str = "") -> tuple[str, int]:
    """Replace telephone numbers; return the text and how many were replaced.

    Args:
        text: of a document.
        language: ISO 639-1; without it only international numbers are found.
    """
    regions = REGIONS.get(language, ())
    return substitute(_CANDIDATE, (PHONE_MASK,), text, lambda match: _is_phone(match, regions))


def _is_phone(match: re.Match[str], regions: tuple[str, ...]) -> bool:
    found = match[0]
    digits = sum(map(str.isdigit, found))
    if not FEWEST_DIGITS <= digits <= MOST_DIGITS or any(p.match(found) for p in _NO_PHONE):
        return False
    before = match.string[max(0, match.start() - CONTEXT) : match.start()]
    if _OTHER_NUMBER.search(before):
        return False
    if found.startswith("+"):
        return _is_valid(found, None)
    if found.startswith("00"):
        return _is_valid("+" + found[2:], None)
    likely = _TELEPHONE.search(before) or _GROUPED.match(found) or ("US" in regions and _NORTH_AMERICAN.match(found))
    return bool(likely) and any(_is_valid(found, region) for region in regions)


def _is_valid(found: str, region: str | None) -> bool:
    import phonenumbers

    try:
        # The trunk digit in brackets, +49 (0)30, is not dialed from abroad.
        number = phonenumbers.parse(found.replace("(0)", " ") if found.startswith("+") else found, region)
    except phonenumbers.NumberParseException:
        return False
    return bool(phonenumbers.is_valid_number(number))
