import gzip
import random
import time

import pytest

from smollab.curate.block_lists import BlockList, load_list
from smollab.curate.errors import CurationError
from smollab.curate.urls import BANNED_STRINGS, HARD_WORDS, SOFT_WORDS, filter_url, list_problems
from smollab.documents import Document, Drop
from smollab.recipe import Url


def document(url):
    return Document(url, "", "web", metadata={"url": url})


def verdict(url, **settings):
    return filter_url(Url(**settings))(document(url))


@pytest.mark.parametrize(
    ("url", "reason", "detail"),
    [
        ("https://www.xvideos.com/anything", "url: blocked domain", "xvideos.com"),
        ("https://de.m.xvideos.com:8080/", "url: blocked domain", "xvideos.com"),
        ("https://user@XVideos.com./x", "url: blocked domain", "xvideos.com"),
        ("//xvideos.com/x", "url: blocked domain", "xvideos.com"),
        ("https://example.org/best-xxx-site", "url: blocked word", "xxx"),
        ("https://example.org/Free-Porn-Star", "url: blocked word", "porn"),
        ("https://example.org/?q=hentai%20porn", "url: blocked word", "hentai, porn"),
        ("https://example.org/casino-and-poker", "url: blocked words", "2 > 1"),
        ("https://example.org/phim-sexy-hot", "url: blocked words", "2 > 1"),
        ("https://example.org/phim-sex-hay", "url: blocked string", "phimsex"),
        ("https://example.org/free_pornstar_x", "url: blocked string", "pornstar"),
    ],
)
def test_refused(url, reason, detail):
    assert verdict(url) == Drop(reason, detail)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/history-of-the-casino",  # one soft word is not enough
        "https://notxvideos.com.example.org/",
        "https://xvideos.community/",
        "http://[broken",
        "http://[::1]/x",
        "no address at all",
        "http://\udcff.example/",
        "",
        # Real words and names that hold a listed one, or share its letters.
        "https://www.essex.ac.uk/middlesex-sussex-wessex",
        "https://www.scunthorpe.gov.uk/assassins-classic-cocktails",
        "https://news.example/peniston-penistone-clitheroe-analytics",
        "https://example.org/same-sex-marriage-act",
        "https://example.org/super-hotel-adulthood",
        "https://example.ph/news/milf-peace-talks",
        "https://cars.example/ford-escort-mk2",
        "https://fr.example/analyse/essais/saucisson-sexagenaire-pornichet",
        "https://pornichet.fr/tourisme",
        "https://de.example/staatsexamen-sechs-sexagesimal-dickicht",
        "https://de.example/nacktmull-pornographieverbot",
        "https://es.example/sexto-sexenio-computadora-cocktail",
        "https://es.example/igualdad-de-sexo",
        "https://it.example/sesso-sessanta-cazzuola-analisi",
        "https://pt.example/sexta-feira-santa-sexagenario",
        "https://vi.example/phim-hay-dung-luong-bich-phuong-dit",
        "https://sv.example/sex-plus-sju",  # six
        "https://example.org/specialist-socialist-cialisation",
        "https://example.org/caf%C3%A9-xx%C3%A9x-%FF%FE",
    ],
)
def test_let_through(url):
    page = document(url)
    assert filter_url(Url())(page) is page


def test_documents_without_address_pass():
    step = filter_url(Url())
    for metadata in ({}, {"url": None}, {"url": 7}):
        page = Document("id", "", "web", metadata=metadata)
        assert step(page) is page


def test_every_value_is_measured_and_each_list_can_be_switched_off():
    url = "https://xvideos.com/porn/casino-poker-xxxvideo"
    step = filter_url(Url())
    _, values = step.measure(document(url))
    assert values == {
        "blocked_domain": "xvideos.com",
        "blocked_url": None,
        "hard_words": "porn",
        "soft_words": 2,
        "banned_string": "xxxvideo",
    }
    assert step.judge(values).reason == "url: blocked domain"
    off = {"refuse_domains": False}
    assert filter_url(Url(**off)).judge(values).reason == "url: blocked word"
    off |= {"refuse_hard_words": False}
    assert filter_url(Url(**off)).judge(values).reason == "url: blocked words"
    off |= {"maximum_soft_words": 2}
    assert filter_url(Url(**off)).judge(values).reason == "url: blocked string"
    assert filter_url(Url(**off, refuse_strings=False)).judge(values) is None


HOSTILE_LIST = """\
# a comment
! another
plain.example
0.0.0.0 hosts.example two.example # both
127.0.0.1 localhost
||adblock.example^
||part.example^$third-party
@@||exception.example^
*.wild.example
.dotted.example.
www.with-www.example
UPPER.example
bücher.example
nodot
two words.example other
http://address.example/x
-bad-.example
10.11.12.13 sink.example
\udcff\udcfe.example
"""


def test_lists_of_domains_in_several_forms_with_bad_lines(tmp_path):
    file = tmp_path / "domains.txt"
    file.write_bytes(HOSTILE_LIST.encode("utf-8", "surrogateescape") + b"\0\0\0\n" + b"x" * 100_000 + b"\nlast.example")
    for name in ["plain", "hosts", "two", "adblock", "wild", "dotted", "with-www", "upper", "xn--bcher-kva", "last"]:
        assert verdict(f"https://sub.{name}.example/page", blocked_domains=str(file)).reason == "url: blocked domain", (
            name
        )
    for name in ["part", "exception", "address", "sink", "example"]:
        assert isinstance(verdict(f"https://{name}.example/page", blocked_domains=str(file)), Document), name
    assert list_problems(Url(blocked_domains=str(file))) == {
        str(file): {"line that is no entry of a list of domains": 9, "line above 0 MiB": 1}
    }
    packed = tmp_path / "packed.gz"
    packed.write_bytes(gzip.compress(b"plain.example\n" * 3)[:-4])
    assert verdict("https://plain.example", blocked_domains=str(packed)).reason == "url: blocked domain"
    assert list_problems(Url(blocked_domains=str(packed))) == {str(packed): {"truncated file": 1}}


def test_lists_of_addresses_words_and_strings(tmp_path):
    for name, text in [
        ("urls", "https://www.Example.org/Page/\nnot an address\nexample.net/x?y=1\n"),
        ("hard", "Gadget\ntwo words\n#no\nélan\n"),
        ("soft", "red\nblue\n"),
        ("strings", "two girls\nab\nfoo-bar\n"),
    ]:
        (tmp_path / name).write_text(text)
    settings = {
        "blocked_urls": f"{tmp_path}/urls",
        "hard_words": f"{tmp_path}/hard",
        "soft_words": f"{tmp_path}/soft",
        "banned_strings": f"{tmp_path}/strings",
    }
    for url, reason in [
        ("http://example.org/Page#part", "blocked address"),
        ("https://www.example.net/x?y=1", "blocked address"),
        ("https://a.example/the-gadget", "blocked word"),
        ("https://a.example/%C3%89lan", "blocked word"),
        ("https://a.example/red/blue", "blocked words"),
        ("https://a.example/x-foob_ar", "blocked string"),
    ]:
        assert verdict(url, **settings).reason == f"url: {reason}"
    for url in ("https://example.org/page", "https://a.example/gadgets-red", "https://a.example/porn"):
        assert isinstance(verdict(url, **settings), Document)
    assert {file.rpartition("/")[2]: sum(bad.values()) for file, bad in list_problems(Url(**settings)).items()} == {
        "urls": 1, "hard": 1, "strings": 1,
    }  # fmt: skip


def test_a_list_that_is_not_there_is_said_before_anything_is_read(tmp_path):
    with pytest.raises(CurationError, match=r"curate\.url: the list .*none\.txt cannot be read: No such file"):
        filter_url(Url(blocked_domains=str(tmp_path / "none.txt")))
    with pytest.raises(CurationError, match="cannot be read: Is a directory"):
        filter_url(Url(hard_words=str(tmp_path)))
    with pytest.raises(CurationError, match="is a device"):
        filter_url(Url(hard_words="/dev/zero"))


def test_other_lists_are_other_settings(tmp_path):
    (tmp_path / "list").write_text("a.example\n")
    before = filter_url(Url(blocked_domains=f"{tmp_path}/list"))
    (tmp_path / "list").write_text("b.example\n")
    after = filter_url(Url(blocked_domains=f"{tmp_path}/list"))
    assert [getattr(before.settings, field) for field in before.depends] != [
        getattr(after.settings, field) for field in after.depends
    ]
    assert isinstance(after(document("https://b.example/")), Drop)


def test_a_large_list_is_held_compactly(tmp_path):
    entries = [f"site{number}.example" for number in range(200_000)]
    random.Random(0).shuffle(entries)
    file = tmp_path / "large"
    file.write_text("\n".join(entries))
    blocked = load_list(str(file), "domains")
    assert isinstance(blocked, BlockList) and len(blocked) == 200_000
    assert blocked.hashes.itemsize * len(blocked.hashes) == 1_600_000
    assert all(f"site{number}.example".encode() in blocked for number in range(0, 200_000, 997))
    assert not any(f"other{number}.example".encode() in blocked for number in range(10_000))


def test_default_lists_are_lower_case_and_distinct():
    for words in (HARD_WORDS, SOFT_WORDS, BANNED_STRINGS):
        assert len(set(words)) == len(words) and all(word == word.lower() for word in words)
    assert not set(HARD_WORDS) & set(SOFT_WORDS)


def test_an_address_of_a_megabyte_costs_little():
    step = filter_url(Url())
    begin = time.process_time()
    for url in ("https://a.example/" + "a-" * 500_000, "https://" + "a." * 500_000, "https://" + "%41" * 300_000):
        step(document(url))
    assert time.process_time() - begin < 5
