import pytest

from smollab.curate.html import decode_html
from smollab.curate.html.encoding import detect_encoding


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


SENTENCES = {
    "cp1251": "Музей старых радиоприёмников открылся в здании бывшей телефонной станции.",
    "koi8-r": "Музей старых радиоприёмников открылся в здании бывшей телефонной станции.",
    "gb18030": "老城区从今年三月起在地铁口设置了一百二十个共享雨伞点，市民扫码即可免费借用。",
    "big5": "香港行政長官在各方壓力下就其大宅的違章建築問題到立法會接受質詢。",
    "shift_jis": "港町の商店街で十年以上閉まっていた呉服店が、小さな図書室に生まれ変わった。",
    "euc-jp": "港町の商店街で十年以上閉まっていた呉服店が、小さな図書室に生まれ変わった。",
    "euc-kr": "올여름에는 바닷가 마을의 작은 서점에서 두 달 동안 일했다. 손님은 하루에 열 명 남짓이었다.",
    "cp1253": "Το μουσείο των παλιών ραδιοφώνων άνοιξε στο κτίριο του παλιού σταθμού.",
    "cp1256": "انطلقت صباح أمس أول مكتبة متنقلة في القرى الجبلية وهي حافلة قديمة.",
    "cp874": "พิพิธภัณฑ์วิทยุเก่าเปิดในอาคารสถานีโทรศัพท์เดิมเมื่อวานนี้",
    "cp1252": "Die Straße über den Fluß führt nach Köln, où l’été dernier était très chaud.",
}


@pytest.mark.parametrize("encoding", SENTENCES)
@pytest.mark.parametrize("declared", ["", "iso-8859-1", "utf-8", "no-such-charset"])
def test_undeclared_and_wrongly_declared_encodings_are_told_by_their_letters(encoding, declared):
    sentence = SENTENCES[encoding]
    page = f"<html><body><div class='x'><p>{sentence}</p></div></body></html>".encode(encoding)
    assert sentence in decode_html(page, declared)


@pytest.mark.parametrize("encoding", SENTENCES)
def test_a_right_declaration_is_believed(encoding):
    sentence = SENTENCES[encoding]
    assert decode_html(sentence.encode(encoding), encoding) == sentence
    page = f'<meta charset="{encoding}"><p>{sentence}'
    assert decode_html(page.encode(encoding)) == page


def test_long_central_european_texts_are_told_from_western_ones():
    czech = "Příliš žluťoučký kůň úpěl ďábelské ódy, řekl starý muž a šel domů přes řeku k mlýnu. "
    assert detect_encoding((czech * 3).encode("cp1250")) == "cp1250"
    french = "L’été où nous étions à Besançon, la rivière était gelée et les garçons traversaient à pied. "
    assert decode_html((french * 3).encode("cp1252")) == french * 3


def test_a_page_of_two_encodings_loses_nothing():
    page = "Grüße aus Köln, müde. ".encode() * 3 + "Le café fermé à midi — «été»".encode("cp1252")
    assert decode_html(page) == "Grüße aus Köln, müde. " * 3 + "Le café fermé à midi — «été»"


def test_random_bytes_are_decoded_at_bounded_cost():
    assert len(decode_html(bytes(range(128, 256)) * 40_000)) > 0
