"""Checks of notebook 1.5: minima, bands and rows, clusters, and a false alarm."""

from typing import Any

from smollab.lab.checks.exercise import Learner, is_close, require
from smollab.lab.checks.exercise import exercise as _exercise

__all__ = ["check_1_5_1", "check_1_5_2", "check_1_5_3", "check_1_5_4"]


@_exercise("1.5.1")
def check_1_5_1(minhash: Learner) -> None:
    """The least of (multiplier * shingle) modulo 2^32 over a set of shingles, for each multiplier."""
    shingles, multipliers = {3, 10, 4_000_000_000}, [1, 5, 2_654_435_769]
    answer = _numbers(minhash(shingles, multipliers))
    require(
        answer != [3, 15, 7_963_307_307],
        "5 x 4,000,000,000 does not fit into 32 bits; take every product modulo 2**32, or large hashes never win",
    )
    require(
        len(answer) == 3,
        f"three multipliers give three minima, one each; you returned {len(answer)} numbers: one order of the shingles "
        "for every multiplier",
    )
    require(
        answer != [4_000_000_000, 2_820_130_816, 3_668_340_011],
        "you took the largest product; the minimum is the *first* shingle in the order",
    )
    # 5 * 4e9 = 20,000,000,000 = 4 * 2^32 + 2,820,130,816
    require(
        answer == [3, 15, 774_553_914],
        f"the set 3, 10, 4,000,000,000 under the multipliers 1, 5, 2,654,435,769 has the minima 3, 15, 774,553,914; "
        f"you returned {answer}",
    )
    twice = _numbers(minhash([3, 3, 10, 4_000_000_000], multipliers))
    require(twice == answer, "a shingle that occurs twice must not change anything: a document is a set")


@_exercise("1.5.2")
def check_1_5_2(choose_bands: Learner) -> None:
    """Buckets and hashes per bucket whose product is `hashes`, with the steep point nearest to a similarity."""
    answer = _numbers(choose_bands(112, 0.72))
    require(
        answer != [8, 14],
        "8 buckets of 14 are steepest at (1/8)^(1/14) = 0.86; you have the two the wrong way around",
    )
    require(
        len(answer) == 2 and answer[0] * answer[1] == 112,
        f"with 112 hashes use all: buckets x hashes per bucket = 112; you returned {answer}",
    )
    require(
        answer == [14, 8],
        f"112 hashes and 0.72 are FineWeb's 14 buckets of 8: (1/14)^(1/8) = 0.719; you returned {answer}",
    )
    # Written out: (1/28)^(1/4) = 0.435, (1/16)^(1/7) = 0.673; (1/32)^(1/10) = 0.707; (1/8)^(1/8) = 0.771.
    for hashes, similarity, expected in ((112, 0.5, [28, 4]), (320, 0.707, [32, 10]), (64, 0.8, [8, 8])):
        answer = _numbers(choose_bands(hashes, similarity))
        require(
            answer == expected,
            f"{hashes} hashes and {similarity}: {expected[0]} buckets of {expected[1]} are nearest; "
            f"you returned {answer}",
        )


@_exercise("1.5.3")
def check_1_5_3(clusters: Learner) -> None:
    """For each of n documents the smallest document of its cluster, from pairs."""
    require(
        _numbers(clusters(4, [])) == [0, 1, 2, 3],
        f"without pairs every document is its own cluster; you returned {clusters(4, [])!r}",
    )
    chain = _numbers(clusters(4, [(2, 3), (1, 2), (0, 1)]))
    require(
        chain not in ([0, 0, 1, 2], [0, 0, 0, 2], [0, 0, 1, 1]),
        f"2-3, 1-2, 0-1 is one chain, so all four belong to 0; you returned {chain}: a document points to a root that "
        "was joined to another one later. Follow the pointers to the end, when you join and when you answer",
    )
    require(chain != [3, 3, 3, 3], "the clusters are right, but their name is the *smallest* member: 0, not 3")
    require(chain == [0, 0, 0, 0], f"2-3, 1-2, 0-1 is one cluster, named 0; you returned {chain}")
    two = _numbers(clusters(6, [(5, 3), (0, 4), (3, 5), (4, 0), (1, 1)]))
    require(two == [0, 1, 2, 3, 0, 3], f"pairs 5-3, 0-4 (twice) and 1-1 give 0, 1, 2, 3, 0, 3; you returned {two}")
    orders = ([(0, 2), (1, 3), (2, 3)], [(2, 3), (1, 3), (0, 2)], [(3, 1), (3, 2), (2, 0)])
    for pairs in orders:
        answer = _numbers(clusters(4, pairs))
        require(answer == [0, 0, 0, 0], f"{pairs} joins all four; you returned {answer}: joining {pairs[-1]} must join "
                "the two *clusters*, that is their roots, not only the two documents")  # fmt: skip


@_exercise("1.5.4")
def check_1_5_4(least_similar_caught: Learner) -> None:
    """The place of the least similar pair among those with at least one agreeing bucket."""
    similarities, agreeing = [0.91, 0.05, 0.55, 0.62, 0.48], [9, 0, 1, 2, 0]
    answer = least_similar_caught(similarities, agreeing)
    require(answer != 1, "pair 1 has the smallest similarity, but no bucket agreed: it was not caught")
    require(
        not is_close(answer, 0.55),
        "you returned the similarity; the question is *where* it is, so that the two pages can be looked at",
    )
    require(answer != 4, "pair 4 lies below 0.5, but no bucket agreed: it was not caught")
    require(answer == 2, f"pairs 0, 2 and 3 were caught, and 2 is the least similar; you returned {answer!r}")
    require(least_similar_caught([0.2, 0.9, 0.1], [1, 1, 1]) == 2, "where all are caught, the smallest similarity wins")


def _numbers(values: Any) -> list[int]:
    try:
        return [int(value) for value in values]
    except (TypeError, ValueError):
        return []
