import pytest

from smollab.curate.urls import filter_url
from smollab.documents import Document, Drop


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://www.xvideos.com/anything", "url: blocked domain"),
        ("https://example.org/best-xxx-site", "url: blocked word"),
        ("https://example.org/casino-and-poker", "url: blocked words"),
        ("https://example.org/free-porn-star", "url: blocked word"),
        ("https://example.org/free_pornstar_x", "url: blocked string"),
    ],
)
def test_refused(url, reason):
    drop = filter_url(Document(url, "", "web", metadata={"url": url}))
    assert isinstance(drop, Drop)
    assert drop.reason == reason
    assert drop.detail


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/history-of-the-casino",  # one soft word is not enough
        "https://www.sussex.ac.uk/middlesex",  # only whole words count
        "https://notxvideos.com.example.org/",
        "http://[broken",
        "",
    ],
)
def test_let_through(url):
    document = Document("id", "", "web", metadata={"url": url})
    assert filter_url(document) is document
