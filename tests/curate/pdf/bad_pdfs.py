"""Makes PDF files that are broken or hostile, byte by byte, so that nothing is mended on the way."""

import zlib
from collections.abc import Callable, Mapping

PROSE = "The gardener described the broken clock, and the captain sold a wooden boat before the rain came. " * 3


def write_pdf(objects: Mapping[int, bytes], root: int = 1, trailer: bytes = b"") -> bytes:
    """Return a PDF file of the given objects (number -> body) with a table of references."""
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    places = {}
    for number, body in objects.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    size = max(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % size
    for number in range(1, size):
        free = number not in places
        out += b"%010d %05d %s \n" % (0 if free else places[number], 65535 if free else 0, b"f" if free else b"n")
    out += b"trailer\n<< /Size %d /Root %d 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (size, root, trailer, start)
    return bytes(out)


def stream(data: bytes, extra: bytes = b"") -> bytes:
    """Return the body of a stream object."""
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data), extra, data)


def show_text(text: str = PROSE, width: int = 60) -> bytes:
    """Return page content that shows text, line by line."""
    words, lines, line = text.split(), [], ""
    for word in words:
        if len(line) + len(word) > width:
            lines.append(line)
            line = ""
        line += word + " "
    shown = " T* ".join(f"({piece.strip()}) Tj" for piece in [*lines, line])
    return f"BT /F1 11 Tf 13 TL 72 720 Td {shown} ET".encode()


FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"


def one_page(page: bytes = PAGE, content: bytes | None = None, font: bytes = FONT, **more: bytes) -> dict[int, bytes]:
    """Return the objects of a sound file of one page, of which parts can be replaced (`o9=...` adds object 9)."""
    return {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: page,
        4: stream(show_text()) if content is None else content,
        5: font,
        **{int(name[1:]): body for name, body in more.items()},
    }


def with_box(box: str) -> bytes:
    return write_pdf(one_page(PAGE.replace(b"0 0 612 792", box.encode())))


def with_catalog(extra: bytes, **more: bytes) -> bytes:
    objects = one_page(**more)
    objects[1] = b"<< /Type /Catalog /Pages 2 0 R %s >>" % extra
    return write_pdf(objects)


def with_content(data: bytes, extra: bytes = b"") -> bytes:
    return write_pdf(one_page(content=stream(data, extra)))


def packed_zeros(mebibytes: int) -> bytes:
    """Zeros, packed by zlib; the same block again and again, so that making it costs nothing."""
    packer = zlib.compressobj(9)
    block = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = ((mebibytes << 20) % 65521 << 16 | 1).to_bytes(4, "big")
    return block[:2] + block[2:] * mebibytes + b"\3\0" + checksum


def nested_flate(mebibytes: int, depth: int) -> bytes:
    """Content of so much, packed several times over."""
    data = packed_zeros(mebibytes)
    for _ in range(depth - 1):
        data = zlib.compress(data, 9)
    return with_content(data, b"/Filter [%s]" % (b"/FlateDecode " * depth))


def object_stream_bomb(mebibytes: int) -> bytes:
    """A stream of objects that unpacks to so much, and in which the catalog is said to be."""
    data = packed_zeros(mebibytes)
    body = b"%PDF-1.7\n"
    place = len(body)
    body += b"9 0 obj\n%s\nendobj\n" % stream(data, b"/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode")
    start = len(body)
    rows = [b"\0\0\0\0\0\0", b"\2\0\0\0\x09\0", *[b"\0\0\0\0\0\0"] * 7, b"\1" + place.to_bytes(4, "big") + b"\0"]
    xref = stream(b"".join(rows), b"/Type /XRef /Size 10 /W [1 4 1] /Root 1 0 R")
    return body + b"10 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (xref, start)


def many_pages(count: int) -> bytes:
    """So many pages that share one content."""
    objects = one_page()
    kids = b" ".join(b"%d 0 R" % number for number in range(10, 10 + count))
    objects[2] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, count)
    objects |= dict.fromkeys(range(10, 10 + count), PAGE)
    return write_pdf(objects)


def claimed_pages(count: int) -> bytes:
    """One page that says it is so many."""
    objects = one_page()
    objects[2] = b"<< /Type /Pages /Kids [3 0 R] /Count %d >>" % count
    return write_pdf(objects)


def page_tree(kids: Mapping[int, str]) -> bytes:
    """A tree of pages in which node -> kids."""
    objects = one_page()
    for number, names in kids.items():
        objects[number] = f"<< /Type /Pages /Parent 2 0 R /Kids [{names}] /Count 1 >>".encode()
    return write_pdf(objects)


def exploding_tree(depth: int, width: int) -> bytes:
    """Nodes whose kids are all the same node: width ** depth pages."""
    objects = one_page()
    objects[2] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b"10 0 R " * width, width**depth)
    for level in range(depth - 1):
        kid = b"%d 0 R " % (11 + level) if level < depth - 2 else b"3 0 R "
        count = width ** (depth - 1 - level)
        objects[10 + level] = b"<< /Type /Pages /Parent 2 0 R /Kids [%s] /Count %d >>" % (kid * width, count)
    return write_pdf(objects)


def deep_tree(depth: int) -> bytes:
    objects = one_page()
    objects[2] = b"<< /Type /Pages /Kids [10 0 R] /Count 1 >>"
    for level in range(depth):
        kid = b"%d 0 R" % (11 + level) if level < depth - 1 else b"3 0 R"
        objects[10 + level] = b"<< /Type /Pages /Parent 2 0 R /Kids [%s] /Count 1 >>" % kid
    return write_pdf(objects)


def form_bomb(depth: int, width: int) -> bytes:
    """Forms that draw forms that draw forms: width ** depth texts on one page."""
    page = PAGE.replace(b"/Resources <<", b"/Resources << /XObject << /X 10 0 R >>")
    more = {}
    for level in range(depth):
        form = b"/Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << %s >>"
        if level < depth - 1:
            content, resources = b"/X Do " * width, b"/XObject << /X %d 0 R >>" % (11 + level)
        else:
            content, resources = show_text(), b"/Font << /F1 5 0 R >>"
        more[f"o{10 + level}"] = stream(content, form % resources)
    return write_pdf(one_page(page, stream(b"/X Do"), **more))


def with_image(data: bytes, extra: bytes, width: int = 10, height: int = 10) -> bytes:
    page = PAGE.replace(b"/Resources <<", b"/Resources << /XObject << /I 10 0 R >>")
    content = stream(b"q 100 0 0 100 300 300 cm /I Do Q " + show_text())
    image = b"/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceRGB /BitsPerComponent 8 %s"
    return write_pdf(one_page(page, content, o10=stream(data, image % (width, height, extra))))


def with_font(kind: bytes, file: bytes, key: bytes = b"/FontFile2") -> bytes:
    font = b"<< /Type /Font /Subtype /%s /BaseFont /Broken /FirstChar 0 /LastChar 0 /Widths [500] "
    font += b"/FontDescriptor 10 0 R >>"
    descriptor = b"<< /Type /FontDescriptor /FontName /Broken /Flags 32 /FontBBox [0 0 1000 1000] %s 11 0 R >>" % key
    return write_pdf(one_page(font=font % kind, o10=descriptor, o11=stream(file)))


def with_to_unicode(cmap: bytes) -> bytes:
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 10 0 R >>"
    return write_pdf(one_page(font=font, o10=stream(cmap)))


SOUND = write_pdf(one_page())
NOISE = bytes((7 * k * k + 13 * k) % 256 for k in range(4000))
LAUNCH = b"/OpenAction << /S /Launch /F (/usr/bin/touch) /Win << /F (calc.exe) >> >>"
SCRIPT = b"(app.alert\\('x'\\); this.exportDataObject\\({cName: 'a', nLaunch: 2}\\); while\\(1\\);)"

HARMLESS: dict[str, Callable[[], bytes]] = {
    "sound": lambda: SOUND,
    "junk before": lambda: b"HTTP/1.1 200 OK\r\n\r\n" + SOUND,
    "junk behind": lambda: SOUND + NOISE,
    "script on opening": lambda: with_catalog(b"/OpenAction << /S /JavaScript /JS %s >>" % SCRIPT),
    "named script": lambda: with_catalog(
        b"/Names << /JavaScript << /Names [(x) << /S /JavaScript /JS %s >>] >> >>" % SCRIPT
    ),
    "launch": lambda: with_catalog(LAUNCH),
    "open address": lambda: with_catalog(b"/OpenAction << /S /URI /URI (http://127.0.0.1:9/) >>"),
    "remote goto": lambda: with_catalog(b"/OpenAction << /S /GoToR /F (/etc/passwd) /D [0 /Fit] >>"),
    "form sent": lambda: with_catalog(b"/OpenAction << /S /SubmitForm /F (http://127.0.0.1:9/) /Fields [] >>"),
    "attachment": lambda: with_catalog(
        b"/Names << /EmbeddedFiles << /Names [(x.exe) << /Type /Filespec /F (x.exe) /EF << /F 10 0 R >> >>] >> >>",
        o10=stream(b"MZ-secret-attachment" * 500),
    ),
    "attachment bomb": lambda: with_catalog(
        b"/Names << /EmbeddedFiles << /Names [(x) << /Type /Filespec /F (x) /EF << /F 10 0 R >> >>] >> >>",
        o10=stream(packed_zeros(1024), b"/Filter /FlateDecode"),
    ),
    "external stream": lambda: write_pdf(one_page(o10=b"<< /Length 0 /F (/etc/passwd) >>\nstream\n\nendstream")),
    "corrupt TrueType": lambda: with_font(b"TrueType", NOISE),
    "corrupt Type1": lambda: with_font(b"Type1", NOISE, b"/FontFile"),
    "corrupt CFF": lambda: with_font(b"Type1", b"\x01\0\4\2" + NOISE, b"/FontFile3"),
    "empty font": lambda: with_font(b"TrueType", b""),
    "corrupt JPEG": lambda: with_image(b"\xff\xd8\xff\xe0" + NOISE, b"/Filter /DCTDecode"),
    "corrupt JPEG 2000": lambda: with_image(b"\0\0\0\x0cjP  \r\n\x87\n" + NOISE, b"/Filter /JPXDecode"),
    "corrupt JBIG2": lambda: with_image(NOISE, b"/Filter /JBIG2Decode"),
    "corrupt fax": lambda: with_image(NOISE, b"/Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns 1000000 >>"),
    "unknown filter": lambda: with_image(NOISE, b"/Filter /NoSuchDecode"),
    "huge image": lambda: with_image(NOISE, b"", 2**30, 2**30),
    "image bomb": lambda: with_image(packed_zeros(1024), b"/Filter /FlateDecode", 9000, 9000),
    "corrupt ToUnicode": lambda: with_to_unicode(NOISE),
}
"""Name -> a file whose text a reader may give as if nothing were the matter."""

HOSTILE: dict[str, Callable[[], bytes]] = {
    "no pages": lambda: write_pdf({1: one_page()[1], 2: b"<< /Type /Pages /Kids [] /Count 0 >>"}),
    "pages missing": lambda: write_pdf({1: b"<< /Type /Catalog /Pages 2 0 R >>"}),
    "catalog missing": lambda: write_pdf({2: b"<< >>"}, root=9),
    "header only": lambda: b"%PDF-1.7\n",
    "header and end": lambda: b"%PDF-1.7\n%%EOF",
    "noise": lambda: b"%PDF-1.7\n" + NOISE * 50,
    "zeros": lambda: b"%PDF-1.7\n" + bytes(2**22),
    "encrypted, unknown handler": lambda: write_pdf(one_page(), trailer=b"/Encrypt << /Filter /Foo /V 9 >>"),
    "box 1e9": lambda: with_box("0 0 1000000000 1000000000"),
    "box 1e30": lambda: with_box("0 0 1e30 1e30"),
    "box 40 digits": lambda: with_box("0 0 " + "9" * 40 + " " + "9" * 40),
    "box negative": lambda: with_box("0 0 -612 -792"),
    "box empty": lambda: with_box("0 0 0 0"),
    "box NaN": lambda: with_box("0 0 nan nan"),
    "box inf": lambda: with_box("0 0 inf inf"),
    "box of names": lambda: with_box("/a /b /c /d"),
    "box short": lambda: with_box("0 0"),
    "box recursive": lambda: write_pdf(one_page(PAGE.replace(b"[0 0 612 792]", b"10 0 R"), o10=b"10 0 R")),
    "user unit": lambda: write_pdf(one_page(PAGE.replace(b"/Contents", b"/UserUnit 1e20 /Contents"))),
    "rotated by 7": lambda: write_pdf(one_page(PAGE.replace(b"/Contents", b"/Rotate 7 /Contents"))),
    "tree its own kid": lambda: page_tree({2: "2 0 R"}),
    "tree in a circle": lambda: page_tree({2: "10 0 R", 10: "11 0 R", 11: "10 0 R 3 0 R"}),
    "tree exploding": lambda: exploding_tree(9, 10),
    "tree deep": lambda: deep_tree(5_000),
    "claims 2e9 pages": lambda: claimed_pages(2_000_000_000),
    "claims -5 pages": lambda: claimed_pages(-5),
    "content its own form": lambda: form_bomb(1, 1).replace(b"/Font << /F1 5 0 R >>", b"/XObject << /X 10 0 R >>"),
    "many filters": lambda: with_content(b"x" * 10, b"/Filter [%s]" % (b"/ASCIIHexDecode " * 50_000)),
    "length a circle": lambda: write_pdf(one_page(content=b"<< /Length 4 0 R >>\nstream\nx\nendstream")),
    "length 2e9": lambda: write_pdf(one_page(content=b"<< /Length 2000000000 >>\nstream\nx\nendstream")),
    "length negative": lambda: write_pdf(one_page(content=b"<< /Length -9 >>\nstream\nx\nendstream")),
    "arrays in arrays": lambda: with_content(b"[" * 300_000),
    "dictionaries in dictionaries": lambda: with_catalog(b"/X " + b"<</X" * 100_000),
    "states never closed": lambda: with_content(b"q " * 100_000 + show_text()),
    "text without end": lambda: with_content(b"BT /F1 1 Tf (" + b"a" * 200_000 + b") Tj ET"),
    "many words": lambda: with_content(b"BT /F1 1 Tf " + b"1 1 Td (word) Tj " * 20_000 + b"ET"),
    "many lines drawn": lambda: with_content(b"0 0 m 9 9 l S " * 30_000 + show_text()),
    "xref a circle": lambda: SOUND.replace(b"/Root", b"/Prev 9 /Root"),
    "xref huge": lambda: SOUND.replace(b"/Size 6", b"/Size 2147483647"),
    "font size 1e30": lambda: with_content(show_text().replace(b"/F1 11 Tf", b"/F1 1e30 Tf")),
    "matrix of zeros": lambda: with_content(b"0 0 0 0 0 0 cm " + show_text()),
    "matrix NaN": lambda: with_content(b"nan 0 0 nan 1e38 1e38 cm " + show_text()),
    "ToUnicode bomb": lambda: with_to_unicode(
        b"/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <00> <FF> endcodespacerange "
        + b"1 beginbfrange <00> <FF> <" + b"0041" * 200_000 + b"> endbfrange endcmap end end"
    ),
    "Type 3 font draws itself": lambda: write_pdf(
        one_page(
            font=b"<< /Type /Font /Subtype /Type3 /FontBBox [0 0 9 9] /FontMatrix [1 0 0 1 0 0] "
            b"/CharProcs << /a 10 0 R >> /Encoding << /Differences [0 /a] >> /FirstChar 0 /LastChar 255 "
            b"/Widths [%s] /Resources << /Font << /F1 5 0 R >> >> >>"
            % (b"9 " * 256),
            o10=stream(b"9 0 d0 BT /F1 1 Tf (\\000\\000) Tj ET"),
        )
    ),
}  # fmt: skip
"""Name -> a file that must give text or a reason, within the limits, and cost nobody else anything."""

BOMBS: dict[str, Callable[[], bytes]] = {
    "forms exploding": lambda: form_bomb(12, 10),
    "flate twice": lambda: nested_flate(2048, 2),
    "objects": lambda: object_stream_bomb(1024),
}
"""Name -> a file that wants far more time or memory than its size tells."""
