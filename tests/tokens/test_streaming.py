"""Training straight from data sets of the `datasets` library, here in local files."""

import json

import numpy as np
import pytest

from smollab.tokens import streaming
from smollab.tokens.streaming import DatasetStream, StreamingError
from smollab.tokens.tokenizer import train_tokenizer

LENGTH = 16
TEXTS = [f"document {i}: " + " ".join(f"word{j % 7}" for j in range(i % 23)) for i in range(90)]


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(TEXTS, 270)


@pytest.fixture
def place(tmp_path):
    for part in range(3):
        rows = [json.dumps({"id": i, "text": text}) for i, text in enumerate(TEXTS) if i // 30 == part]
        (tmp_path / f"part-{part}.jsonl").write_text("\n".join(rows) + "\n")
    return f"jsonl:{tmp_path}/*.jsonl"


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch) -> None:
    monkeypatch.setattr(streaming, "BLOCK_BYTES", 1000)


@pytest.mark.parametrize("packing", ["concatenate", "best_fit"])
def test_every_document_is_read_whole_in_every_epoch(place, tokenizer, packing):
    stream = DatasetStream(place, tokenizer, LENGTH, 1, packing)
    seen, index = {}, 0
    while stream.state["epoch"] == 0:
        tokens, documents = stream.sequence(index)
        for number in set(documents.tolist()):
            seen.setdefault(number, []).extend(tokens[documents == number].tolist())
        index += 1
    assert len([number for number in seen if number < len(TEXTS)]) > 80
    # In the second epoch the numbers go on, and the texts come again.
    second = {stream.state["document"] + i for i in range(3)}
    texts = {tokenizer.decode(stream._documents[number - stream.state["document"]].tolist()) for number in second}
    assert texts <= set(TEXTS)
    if packing == "best_fit":
        assert sum(map(len, seen.values())) >= sum(len(tokenizer.encode(t).ids) + 1 for t in TEXTS)


@pytest.mark.parametrize("stop", [0, 7, 40, 300])  # 300: in a later epoch
def test_a_stream_goes_on_from_its_state(place, tokenizer, stop):
    whole = DatasetStream(place, tokenizer, LENGTH, 1)
    expected = [whole.sequence(i) for i in range(stop + 30)]
    first = DatasetStream(place, tokenizer, LENGTH, 1)
    for i in range(stop):
        first.sequence(i)
    again = DatasetStream(place, tokenizer, LENGTH, 1)
    again.state = json.loads(json.dumps(first.state))
    for i in range(stop, stop + 30):
        for ours, theirs in zip(again.sequence(i), expected[i], strict=True):
            assert np.array_equal(ours, theirs)


def test_parquet_is_read_too(tmp_path, tokenizer):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"content": TEXTS}), tmp_path / "a.parquet")
    stream = DatasetStream(f"parquet:{tmp_path}/a.parquet", tokenizer, LENGTH, 1)
    assert len(stream.sequence(3)[0]) == LENGTH + 1


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("warc:pages.warc.gz", "only hub, parquet and jsonl"),
        ("jsonl:{tmp}/nothing.jsonl", "nothing.jsonl"),
        ("jsonl:{tmp}/empty.jsonl", "too little"),
    ],
)
def test_what_cannot_be_streamed_is_named(tmp_path, tokenizer, address, message):
    (tmp_path / "empty.jsonl").write_text(json.dumps({"text": ""}) + "\n")
    with pytest.raises(StreamingError, match=message):
        DatasetStream(address.format(tmp=tmp_path), tokenizer, LENGTH, 1)
