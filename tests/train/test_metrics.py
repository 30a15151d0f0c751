"""The log of a run: rows as written, cut where a run resumes, robust against a torn last line."""

from smollab.train.metrics import MetricsLog, read_metrics


def write_steps(path, steps, **settings):
    log = MetricsLog(path, **settings)
    for step in steps:
        log.write({"step": step, "loss": 1 / step})


def steps_of(path) -> list[int]:
    return [row["step"] for row in read_metrics(path)]


def test_rows_come_back(tmp_path):
    write_steps(tmp_path / "run" / "metrics.jsonl", [1, 2, 3])
    assert read_metrics(tmp_path / "run" / "metrics.jsonl")[2] == {"step": 3, "loss": 1 / 3}


def test_a_resumed_run_cuts_off_what_it_will_log_again(tmp_path):
    write_steps(tmp_path / "metrics.jsonl", [1, 2, 3, 4, 5])
    write_steps(tmp_path / "metrics.jsonl", [4, 5, 6], resume_step=3)
    assert steps_of(tmp_path / "metrics.jsonl") == [1, 2, 3, 4, 5, 6]


def test_a_new_run_starts_an_empty_log(tmp_path):
    write_steps(tmp_path / "metrics.jsonl", [1, 2])
    write_steps(tmp_path / "metrics.jsonl", [1])
    assert steps_of(tmp_path / "metrics.jsonl") == [1]


def test_a_torn_last_line_is_left_out(tmp_path):
    path = tmp_path / "metrics.jsonl"
    write_steps(path, [1, 2])
    path.write_bytes(path.read_bytes() + b'{"step": 3, "lo')
    assert steps_of(path) == [1, 2]
    write_steps(path, [3], resume_step=2)
    assert steps_of(path) == [1, 2, 3]


def test_a_line_torn_within_a_character_is_left_out(tmp_path):
    path = tmp_path / "metrics.jsonl"
    write_steps(path, [1])
    path.write_bytes(path.read_bytes() + '{"stage": "é'.encode()[:-1])
    assert steps_of(path) == [1]


def test_no_file_is_no_rows(tmp_path):
    assert read_metrics(tmp_path / "metrics.jsonl") == []
