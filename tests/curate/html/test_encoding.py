import pytest

from smollab.curate.html import decode_html, repair_unicode


@pytest.mark.parametrize(
    ("raw", "declared", "text"),
    [
        ("día".encode(), "", "día"),
        ("día".encode(), "iso-8859-1", "día"),  # UTF-8 is not valid by accident
        ("día".encode("latin-1"), "iso-8859-1", "día"),
        ("„día“".encode("cp1252"), "iso-8859-1", "„día“"),  # as browsers do
        ('<meta charset="iso-8859-2">ą'.encode("iso-8859-2"), "", '<meta charset="iso-8859-2">ą'),
        ('<meta content="text/html; charset=koi8-r">да'.encode("koi8-r"), "", None),
        ("día".encode("cp1252"), "", "día"),
        ("día".encode("cp1252"), "no-such-charset", "día"),
        ("día".encode("cp1252"), "rot13", "día"),
        (b"\xef\xbb\xbfabc", "", "abc"),
        ("día".encode("utf-16"), "", "día"),
        (b"", "", ""),
    ],
)
def test_decode(raw, declared, text):
    decoded = decode_html(raw, declared)
    assert decoded == text if text is not None else decoded.endswith("да")


def test_a_broken_byte_in_utf8_costs_one_character():
    text = decode_html("Grüße aus ".encode() + b"\xff" + " Köln und Düsseldorf".encode(), "utf-8")
    assert text == "Grüße aus \ufffd Köln und Düsseldorf"


@pytest.mark.parametrize(
    ("broken", "text"),
    [
        ("Itâ€™s the clientâ€™s job, isnâ€™t it", "It’s the client’s job, isn’t it"),
        ("GrÃ¼ÃŸe aus KÃ¶ln", "Grüße aus Köln"),
        ("e\u0301te\u0301", "été"),
        ("so\xadft a\u200bnd b\x00ell\ufeff", "soft and bell"),
        ("a\xa0b\r\nc\rd", "a b\nc\nd"),
        ("«été» — Đã được", "«été» — Đã được"),
    ],
)
def test_repair(broken, text):
    assert repair_unicode(broken) == text
