"""From documents to shards: the split is stable and disjoint, sources and languages stay apart."""

import json

import numpy as np
import pytest

from smollab.documents import Document, write_documents
from smollab.tokens.shards import TokenShard
from smollab.tokens.tokenize import encode, is_held_out, open_shards, sample_texts, tokenize_documents
from smollab.tokens.tokenizer import BOS, EOS, token_id


@pytest.fixture
def kept(texts, tmp_path):
    """Curated documents of two sources, one in two languages and in two shards."""
    documents = [Document(f"https://example.org/{i}", text, "web") for i, text in enumerate(texts)]
    for name, part in {
        "web-en-00000": documents[:30],
        "web-en-00001": documents[30:50],
        "web-fr": documents[50:60],
    }.items():
        write_documents(tmp_path / "kept" / f"{name}.parquet", part)
    write_documents(tmp_path / "kept" / "code-00000.parquet", documents[60:])
    return tmp_path / "kept"


def documents_of(folder, tokenizer) -> list[str]:
    shard = TokenShard(folder)
    return [tokenizer.decode(shard.document(i).tolist()) for i in range(len(shard))]


def test_every_document_is_in_training_or_held_out_and_in_order(kept, texts, tokenizer, tmp_path):
    statistics = tokenize_documents(kept, tokenizer, tmp_path / "out", held_out=0.3)
    assert statistics.keys() == {"web-en", "web-fr", "code"}
    ids = [f"https://example.org/{i}" for i in range(len(texts))]
    for name, chosen in {"web-en": range(50), "web-fr": range(50, 60), "code": range(60, len(texts))}.items():
        for split, wanted in (("train", False), ("held_out", True)):
            expected = [texts[i] for i in chosen if is_held_out(ids[i], 0.3) == wanted]
            assert documents_of(tmp_path / "out" / split / name, tokenizer) == expected
            assert statistics[name][f"{split}_bytes"] == sum(len(t.encode()) for t in expected)
            assert statistics[name][f"{split}_tokens"] == TokenShard(tmp_path / "out" / split / name).header.num_tokens
    assert json.loads((tmp_path / "out" / "statistics.json").read_text()) == statistics


def test_the_split_depends_on_the_id_alone_and_grows_with_the_share():
    ids = [f"document {i}" for i in range(20_000)]
    held_out = {share: {i for i in ids if is_held_out(i, share)} for share in (0.0, 0.05, 0.2, 1.0)}
    assert held_out[0.0] == set() and held_out[1.0] == set(ids)
    assert held_out[0.05] < held_out[0.2]
    assert len(held_out[0.05]) / len(ids) == pytest.approx(0.05, abs=0.005)
    assert is_held_out("document 7", 0.05) == ("document 7" in held_out[0.05])


def test_the_split_is_the_same_in_every_version():
    """A pinned value: were the hash to change, old held-out documents would be trained on."""
    assert [i for i in range(100) if is_held_out(f"https://example.org/{i}", 0.05)] == [30, 68, 93]


def test_documents_begin_with_bos_and_end_with_eos(tokenizer):
    (tokens, num_bytes), (nothing, _) = encode(tokenizer, [Document("a", "ôn ba", "web"), Document("b", "", "web")])
    bos, eos = token_id(tokenizer, BOS), token_id(tokenizer, EOS)
    assert (tokens[0], tokens[-1], tokens.count(bos), tokens.count(eos)) == (bos, eos, 1, 1)
    assert num_bytes == 6
    assert nothing == [bos, eos]


def test_special_tokens_written_in_a_page_are_text(tokenizer):
    """Otherwise a page could end itself, and the bytes of its text would not add up."""
    text = f"before {EOS} after {BOS}"
    ((tokens, num_bytes),) = encode(tokenizer, [Document("a", text, "web")])
    assert tokens.count(token_id(tokenizer, EOS)) == tokens.count(token_id(tokenizer, BOS)) == 1
    assert tokenizer.decode(tokens) == text
    assert num_bytes == len(text)


def test_batches_do_not_matter(texts, tokenizer):
    documents = [Document(str(i), text, "web") for i, text in enumerate(texts)]
    assert list(encode(tokenizer, documents, batch_size=3)) == list(encode(tokenizer, documents, batch_size=64))


def test_running_again_gives_the_same_bytes(kept, tokenizer, tmp_path):
    for name in ("first", "second"):
        tokenize_documents(kept, tokenizer, tmp_path / name, held_out=0.1)
    first, second = (
        {p.relative_to(tmp_path / n): p.read_bytes() for p in (tmp_path / n).rglob("*") if p.is_file()}
        for n in ("first", "second")
    )
    assert first == second


def test_the_tokenizer_never_sees_held_out_documents(kept, texts):
    paths = sorted(kept.glob("*.parquet"))
    training = list(sample_texts(paths, maximum_bytes=10**9, held_out=0.3))
    held_out = [t for i, t in enumerate(texts) if is_held_out(f"https://example.org/{i}", 0.3)]
    assert sorted(training + held_out) == sorted(texts)


def test_the_tokenizers_sample_is_spread_and_bounded(kept, texts):
    paths, total = sorted(kept.glob("*.parquet")), sum(len(t.encode()) for t in texts)
    sample = list(sample_texts(paths, maximum_bytes=total // 2, held_out=0.0))
    assert sum(len(t.encode()) for t in sample) == pytest.approx(total / 2, rel=0.4)
    places = [texts.index(t) for t in sample]
    assert min(places) < 10 and max(places) > 70


def test_a_source_is_all_its_languages_and_a_language_is_itself(kept, tokenizer, tmp_path):
    tokenize_documents(kept, tokenizer, tmp_path / "out", held_out=0.0)
    names = lambda name: [shard.folder.name for shard in open_shards(tmp_path / "out" / "train", name)]
    assert names("web") == ["web-en", "web-fr"]
    assert names("web-fr") == ["web-fr"]
    with pytest.raises(ValueError, match=r"'pdf'.*code, web-en, web-fr"):
        names("pdf")


def test_a_vocabulary_beyond_sixteen_bits_takes_four_bytes(tmp_path):
    from smollab.tokens.shards import write_shard

    for vocab_size, dtype in ((2**16, "<u2"), (2**16 + 1, "<u4")):
        write_shard(tmp_path / "shard", [([vocab_size - 1, 0], 1)], vocab_size, "hash")
        shard = TokenShard(tmp_path / "shard")
        assert shard.tokens.dtype == np.dtype(dtype)
        assert shard.document(0).tolist() == [vocab_size - 1, 0]
