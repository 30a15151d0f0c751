"""The report's funnel: every reason for a drop leads to its examples, and to the command that tells their life."""

import re
import shlex

from smollab.curate.funnel import ReasonCount, SourceFunnel, StepCount
from smollab.report import show_source_funnel, why_command


def example(id_):
    return {"id": id_, "detail": "31 < 50", "text": "Home"}


def make_funnel():
    quality = StepCount("gopher_quality", documents_in=40, documents_out=30)
    quality.drops["gopher_quality: too few words"] = ReasonCount(3, [example("https://a.example/1")])
    quality.drops["gopher_quality: words without letters"] = ReasonCount(7, [example("https://a.example/2")])
    lines = StepCount("fineweb_quality", documents_in=30, documents_out=28)
    lines.drops["fineweb_quality: short lines"] = ReasonCount(2, [example("https://a.example/3")])
    return SourceFunnel([quality, lines], languages={"en": 28})


def test_reasons_stand_by_step_the_most_frequent_first_with_their_share():
    rows = show_source_funnel("web", make_funnel())["reasons"]
    assert [(row["step"], row["reason"], row["documents"], row["share"]) for row in rows] == [
        ("gopher_quality", "words without letters", 7, 7 / 40),
        ("gopher_quality", "too few words", 3, 3 / 40),
        ("fineweb_quality", "short lines", 2, 2 / 30),
    ]
    assert rows[1]["examples"] == [example("https://a.example/1")]


def test_anchors_are_plain_and_differ_between_sources():
    anchors = [row["anchor"] for name in ("web", "more") for row in show_source_funnel(name, make_funnel())["reasons"]]
    assert len(set(anchors)) == 6
    assert all(re.fullmatch(r"drop-[a-z0-9-]+", anchor) for anchor in anchors)


def test_source_without_drops_shows_no_figure_of_reasons():
    shown = show_source_funnel("code", SourceFunnel([StepCount("exact_dedup", 5, 5)], languages={"en": 5}))
    assert shown["reasons"] == []
    assert shown["reasons_figure"] == ""
    assert shown["funnel"].startswith("data:image/png")


def test_command_survives_a_shell_and_is_left_out_without_a_ledger(tmp_path):
    run = tmp_path / "my run"
    assert why_command(run)("https://a.example/?a=1&b=2") == ""
    (run / "curate" / "ledger").mkdir(parents=True)
    (run / "curate" / "ledger" / "about.json").write_text("{}")
    command = why_command(run)("https://a.example/?a=1&b='2'")
    assert shlex.split(command) == ["smollab", "curate", "why", "https://a.example/?a=1&b='2'", "--run", str(run)]
