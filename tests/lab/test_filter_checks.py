"""The checks of notebook 1.3 accept the reference, leave stubs alone, and tell typical mistakes apart."""

import math
import re
from collections import Counter
from itertools import pairwise

from smollab.lab.checks import filters


def duplicate_line_share(text):
    lines = re.split(r"\n+", text)
    return 1 - len(set(lines)) / len(lines)


def enough_stop_words(words, stop_words, minimum):
    return len(stop_words & set(words)) >= minimum


def first_failing_rule(values, rules):
    for name, bound, threshold in rules:
        value = values[name]
        if value is not None and (value < threshold if bound == "minimum" else value > threshold):
            return name
    return ""


def minimum_that_keeps(values, share):
    return sorted(values, reverse=True)[math.ceil(share * len(values)) - 1]


def most_decisive_rule(failing):
    return Counter(rules[0] for rules in failing if len(rules) == 1).most_common(1)[0][0]


REFERENCES = {
    "1.3.1": (filters.check_1_3_1, duplicate_line_share),
    "1.3.2": (filters.check_1_3_2, enough_stop_words),
    "1.3.3": (filters.check_1_3_3, first_failing_rule),
    "1.3.4": (filters.check_1_3_4, minimum_that_keeps),
    "1.3.5": (filters.check_1_3_5, most_decisive_rule),
}


def _copies(text):
    lines = re.split(r"\n+", text)
    return sum(lines.count(line) > 1 for line in lines) / len(lines)


def _kinds_of_copies(text):
    lines = re.split(r"\n+", text)
    return sum(count > 1 for count in Counter(lines).values()) / len(lines)


def _neighbors(text):
    lines = re.split(r"\n+", text)
    return sum(a == b for a, b in pairwise(lines)) / len(lines)


def _last_failing(values, rules):
    return first_failing_rule(values, rules[::-1])


def _only_minima(values, rules):
    return first_failing_rule(values, [(name, "minimum", threshold) for name, _, threshold in rules])


def _unknown_fails(values, rules):
    return first_failing_rule({name: -1 if value is None else value for name, value in values.items()}, rules)


def _strict(values, rules):
    for name, bound, threshold in rules:
        value = values[name]
        if value is not None and (value <= threshold if bound == "minimum" else value >= threshold):
            return name
    return ""


MISTAKES = {
    "counts the first copy": (filters.check_1_3_1, _copies, "repeats nothing before it"),
    "counts distinct lines": (filters.check_1_3_1, _kinds_of_copies, "distinct lines"),
    "looks at neighbors only": (filters.check_1_3_1, _neighbors, "though not its neighbor"),
    "a number for a share": (
        filters.check_1_3_1,
        lambda text: len(text.split("\n")) - len(set(text.split("\n"))),
        "share of all lines",
    ),
    "empty lines repeat": (
        filters.check_1_3_1,
        lambda text: 1 - len(set(text.split("\n"))) / len(text.split("\n")),
        "empty lines between paragraphs",
    ),
    "counts occurrences": (
        filters.check_1_3_2,
        lambda words, stop_words, minimum: sum(word in stop_words for word in words) >= minimum,
        "counts different ones",
    ),
    "looks inside words": (
        filters.check_1_3_2,
        lambda words, stop_words, minimum: sum(s in " ".join(words) for s in stop_words) >= minimum,
        "compare whole words",
    ),
    "English for all": (
        filters.check_1_3_2,
        lambda words, stop_words, minimum: len(filters.THE & set(words)) >= minimum,
        "not from English",
    ),
    "more than the minimum": (
        filters.check_1_3_2,
        lambda words, stop_words, minimum: len(stop_words & set(words)) > minimum,
        "two were asked for",
    ),
    "last rule": (filters.check_1_3_3, _last_failing, "not the last"),
    "strict bounds": (filters.check_1_3_3, _strict, "bounds are inclusive"),
    "maximum as minimum": (filters.check_1_3_3, _only_minima, "passes all rules"),
    "maximum never fails": (
        filters.check_1_3_3,
        lambda values, rules: first_failing_rule(values, [rule for rule in rules if rule[1] == "minimum"]),
        "above a maximum",
    ),
    "unknown fails": (filters.check_1_3_3, _unknown_fails, "nothing to say"),
    "wrong end": (filters.check_1_3_4, lambda values, share: minimum_that_keeps(values, 1 - share), "best fifth"),
    "keeps all": (filters.check_1_3_4, lambda values, share: min(values), "keeps all ten"),
    "off by one": (
        filters.check_1_3_4,
        lambda values, share: sorted(values)[round((1 - share) * len(values)) - 1],
        "80 % are eight",
    ),
    "rounds down": (
        filters.check_1_3_4,
        lambda values, share: sorted(values, reverse=True)[int(share * len(values)) - 1],
        "round the number of pages up",
    ),
    "most failures": (
        filters.check_1_3_5,
        lambda failing: Counter(rule for rules in failing for rule in rules).most_common(1)[0][0],
        "would still be dropped",
    ),
    "most first reasons": (
        filters.check_1_3_5,
        lambda failing: Counter(rules[0] for rules in failing if rules).most_common(1)[0][0],
        "would still be dropped",
    ),
    "fewest": (filters.check_1_3_5, lambda failing: "b", "one more page"),
}
