"""Telephone numbers, keys and payment numbers, on a made set of what must go and what must stay.

Numbers are those reserved for fiction (Ofcom, NANPA, Arcep, Bundesnetzagentur, ACMA) or published as examples, or
made from a country's numbering plan; keys are made or published as examples by the services.
"""

import base64
import time

import numpy as np
import pytest

from smollab.curate.pii import mask_payment, mask_phones, mask_pii, mask_secrets
from smollab.curate.pii.payment import is_card, is_iban
from smollab.documents import Document
from smollab.recipe import Pii

PHONES = [
    ("en", "call 202-555-0143 today"),
    ("en", "(202) 555-0187"),
    ("en", "+1 202-555-0143"),
    ("en", "+1 (202) 555-0143."),
    ("en", "Phone: 2025550143"),
    ("en", "ring 020 7946 0958 in London"),
    ("en", "+44 20 7946 0958"),
    ("en", "0044 20 7946 0958"),
    ("en", "(020) 7946 0958"),
    ("en", "mobile 07700 900123"),
    ("en", "Fax (03) 9010 1234"),
    ("fr", "téléphonez au 01 99 00 12 34."),
    ("fr", "Tél. : 01.42.68.53.00"),
    ("fr", "+33 1 42 68 53 00"),
    ("fr", "06 12 34 56 78"),
    ("fr", "+33 (0)1 42 68 53 00"),
    ("es", "Teléfono: 912 345 678"),
    ("es", "+34 912 345 678"),
    ("es", "Tel. 912345678"),
    ("es", "llámenos al +52 55 1234 5678"),
    ("de", "Tel. 030 23125 014"),
    ("de", "+49 (0)30 901820"),
    ("de", "030/23125014"),
    ("de", "Handy: 0171 3920012"),
    ("de", "+43 1 58858 0"),
    ("it", "Telefono 06 6982 1234"),
    ("it", "+39 06 698 12345"),
    ("it", "cellulare: 347 123 4567"),
    ("pt", "Telefone: 21 346 1234"),
    ("pt", "+351 21 346 1234"),
    ("pt", "telemóvel 912 345 678"),
    ("pt", "+55 11 91234-5678"),
    ("vi", "Điện thoại: 024 3825 2916"),
    ("vi", "ĐT: 0912 345 678"),
    ("vi", "+84 24 3825 2916"),
    ("", "+49 30 901820"),
]
NO_PHONES = [
    ("en", "ISBN 978-3-16-148410-0"),
    ("en", "ISBN 0-306-40615-2"),
    ("en", "in 1998-2004 and 2010/2014"),
    ("en", "on 2024-05-03 at 10:15"),
    ("en", "version 2.6.32-5.1"),
    ("en", "1,234,567 people"),
    ("en", "a total of 12 345 678 euros"),
    ("en", "pi is 3.14159265358979"),
    ("en", "rows 10 20 30 40 50"),
    ("en", "0 100 200 300 400"),
    ("en", "Boston, MA 02110-1301, USA"),
    ("en", "part number 0612345678"),
    ("en", "id: 202-555-0143"),
    ("en", "192.168.100.200"),
    ("en", "commit 1234567890"),
    ("en", "RFC 2119 8174"),
    ("en", "$ 1 000 000"),
    ("en", "7 + 14 21 28 35"),
    ("en", "0000 0000 0000"),
    ("en", "60 x 40 x 20 and 640-480"),
    ("fr", "le 03/05/2024"),
    ("fr", "1 234 567 890 habitants"),
    ("fr", "75001 75002 75003"),
    ("es", "912 345 678 habitantes"),
    ("es", "el 3-5-2024"),
    ("de", "am 03.05.2024"),
    ("de", "12.345.678 Euro"),
    ("de", "Art. 0815 4711"),
    ("it", "10.000.000 di euro"),
    ("it", "dal 1998/2004"),
    ("pt", "21 346 1234 toneladas"),
    ("vi", "1.234.567 đồng"),
    ("", "202-555-0143"),
]
SECRETS = [
    "AKIAIOSFODNN7EXAMPLE",
    "token ghp_" + "a1B2" * 9,
    "github_pat_" + "1a2B_" * 14,
    "xoxb-2147483647-abcdefGHIJKL",
    "AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q"[:35],
    "sk_live_" + "4eC39HqLyjWDarjtT1zd",
    "hf_" + "AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
    "-----BEGIN RSA PRIVATE KEY-----\n"
    + "MIIEpAIBAAKCAQEA1c7+9z5Pad7OejecsQ0bu\n" * 4
    + "-----END RSA PRIVATE KEY-----",
    "password = x9Kf72hQp0Lz",
    'api_key: "a8f5f167f44f4964e6c998dee827110c"',
    "SECRET_TOKEN=9fB3kQ7xZ1mN8vC5",
]
NO_SECRETS = [
    "the secret: perseverance",
    "password: your-password-here",
    "password = ************",
    "token = tokenizer.encode(text)",
    "key: value",
    "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "AKIA is the beginning of a key",
    "a key is a key, and ghp_ is a prefix",
    "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----",
    "access key: Alt+Shift+1",
    "password: 123456789012",
]
PAYMENTS = [
    "4111 1111 1111 1111",
    "4111111111111111",
    "5555-5555-5555-4444",
    "3782 822463 10005",
    "DE89 3704 0044 0532 0130 00",
    "FR1420041010050500013M02606",
    "GB82 WEST 1234 5698 7654 32",
    "PT50000201231234567890154",
]
NO_PAYMENTS = [
    "4111 1111 1111 1112",
    "1234567890123456",
    "2024 05 03 10 15 00 00",
    "DE88 3704 0044 0532 0130 00",
    "ISBN 9783161484100",
    "4111111111111111.5",
    "0000000000000000",
    "XX89 3704 0044 0532 0130 00",
]


@pytest.mark.parametrize(("language", "text"), PHONES, ids=[text for _, text in PHONES])
def test_phone_numbers_go(language, text):
    masked, count = mask_phones(text, language)
    assert count == 1 and "<PHONE>" in masked
    assert sum(map(str.isdigit, masked)) == 0


@pytest.mark.parametrize(("language", "text"), NO_PHONES, ids=[text for _, text in NO_PHONES])
def test_other_numbers_stay(language, text):
    assert mask_phones(text, language) == (text, 0)


@pytest.mark.parametrize("text", SECRETS)
def test_secrets_go(text):
    masked, count = mask_secrets(text)
    assert count == 1 and "<KEY>" in masked and len(masked) < 40


@pytest.mark.parametrize("text", NO_SECRETS)
def test_what_is_no_secret_stays(text):
    assert mask_secrets(text) == (text, 0)


@pytest.mark.parametrize("text", PAYMENTS)
def test_payment_numbers_go(text):
    assert mask_payment(f"pay to {text}, please") in (("pay to <CARD>, please", 1), ("pay to <IBAN>, please", 1))


@pytest.mark.parametrize("text", NO_PAYMENTS)
def test_other_long_numbers_stay(text):
    assert mask_payment(text) == (text, 0)


def test_check_digits_catch_every_wrong_digit():
    for test, number in ((is_card, "4111111111111111"), (is_iban, "DE89370400440532013000")):
        assert test(number)
        for place in range(2, len(number)):
            for digit in set("0123456789") - {number[place]}:
                assert not test(number[:place] + digit + number[place + 1 :])


def test_each_kind_has_its_switch_and_fineweb_s_two_are_on():
    text = "a@b.org 8.8.8.8 2001:4860:4860::8888 Tel. +49 30 901820 AKIAIOSFODNN7EXAMPLE 4111 1111 1111 1111"
    document = Document("id", text, "web", "de")
    by_default = mask_pii(document)
    assert by_default.metadata == {"pii_masked": 2}
    assert by_default.text == text.replace("a@b.org", "email@example.com").replace("8.8.8.8", "192.0.2.1")
    off = dict.fromkeys(("emails", "ipv4", "ipv6", "phones", "secrets", "payment"), False)
    assert mask_pii(document, Pii(**off)) is document
    for kind in off:
        assert mask_pii(document, Pii(**(off | {kind: True}))).metadata == {"pii_masked": 1}, kind
    everything = mask_pii(document, Pii(**dict.fromkeys(off, True)))
    assert everything.text == "email@example.com 192.0.2.1 2001:db8::1 Tel. <PHONE> <KEY> <CARD>"


@pytest.mark.parametrize(
    "blob",
    [
        base64.b64encode(np.random.default_rng(0).bytes(750_000)).decode(),
        "1234567890" * 100_000,
        "12 34-56.78/" * 80_000,
        "password=" * 110_000,
        "password: " + "aB3" * 330_000,
        "-----BEGIN RSA PRIVATE KEY-----" + "A" * 1_000_000,
        "eyJ" * 330_000,
        "2001:" * 200_000,
        "xoxb-" * 200_000,
    ],
    ids=["base64", "digits", "groups", "names", "value", "no end", "tokens", "colons", "prefixes"],
)
def test_a_megabyte_of_anything_takes_linear_time(blob):
    """Twice as much takes about twice as long: no regular expression goes back over what it has read."""
    everything = Pii(ipv6=True, phones=True, secrets=True, payment=True)
    seconds = []
    for text in (blob[: len(blob) // 2], blob):
        start = time.process_time()
        mask_pii(Document("id", text, "web", "en"), everything)
        seconds.append(time.process_time() - start)
    assert seconds[1] < 4 * seconds[0] + 0.2
    assert seconds[1] < 15
