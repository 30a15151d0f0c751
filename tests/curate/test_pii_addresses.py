import time

import pytest

from smollab.curate.pii import mask_emails, mask_ipv4, mask_ipv6, mask_pii
from smollab.documents import Document


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Write to jane.doe+news@mail.example-site.co.uk.", "Write to email@example.com."),
        ("'a@b.org' or b@c.de!", "'email@example.com' or firstname.lastname@example.org!"),
        ("a@b.org c@d.org e@f.org", "email@example.com firstname.lastname@example.org email@example.com"),
        ("@name is no address, nor is a@b or 3 @ 4.50", "@name is no address, nor is a@b or 3 @ 4.50"),
        ("already email@example.com", "already email@example.com"),
        ("an müller@b.org", "an email@example.com"),
    ],
)
def test_emails(text, masked):
    assert mask_emails(text)[0] == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("server 8.8.8.8 is up", "server 192.0.2.1 is up"),
        ("8.8.8.8, 1.1.1.1", "192.0.2.1, 192.0.2.2"),
        ("at home 192.168.0.1, 10.0.0.1, 127.0.0.1", "at home 192.168.0.1, 10.0.0.1, 127.0.0.1"),
        ("version 1.2.3.4.5 and 300.1.1.1", "version 1.2.3.4.5 and 300.1.1.1"),
        ("documentation 203.0.113.7", "documentation 203.0.113.7"),
    ],
)
def test_only_public_ips(text, masked):
    assert mask_ipv4(text)[0] == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("dns at 2001:4860:4860::8888.", "dns at 2001:db8::1."),
        ("[2606:2800:220:1:248:1893:25c8:1946]:80", "[2001:db8::1]:80"),
        ("link local fe80::1, loopback ::1", "link local fe80::1, loopback ::1"),
        ("documentation 2001:db8::7", "documentation 2001:db8::7"),
        ("at 12:30:45 std::vector<int> 00:1a:2b:3c:4d:5e", "at 12:30:45 std::vector<int> 00:1a:2b:3c:4d:5e"),
        ("2024:05 and 2001:4860 are no addresses", "2024:05 and 2001:4860 are no addresses"),
    ],
)
def test_only_public_ipv6(text, masked):
    assert mask_ipv6(text)[0] == masked


def test_the_step_counts_and_leaves_clean_documents_alone():
    clean = Document("id", "nothing to hide", "web")
    assert mask_pii(clean) is clean
    masked = mask_pii(Document("id", "a@b.org at 8.8.8.8", "web", "en", {"url": "u"}))
    assert masked.text == "email@example.com at 192.0.2.1"
    assert masked.metadata == {"url": "u", "pii_masked": 2}


def test_long_runs_cost_no_more_than_prose():
    start = time.process_time()
    mask_emails("@ " + "ab/c+d." * 100_000)
    mask_ipv4("1.2.3." * 100_000)
    assert time.process_time() - start < 5
