"""Checks of notebook 2.1: RMSNorm, grouped queries, the document mask, and widths at equal parameters."""

from typing import Any

import numpy as np

from smollab.lab.checks.exercise import Learner, is_close, require
from smollab.lab.checks.exercise import exercise as _exercise

__all__ = ["check_2_1_1", "check_2_1_2", "check_2_1_3", "check_2_1_4"]


@_exercise("2.1.1")
def check_2_1_1(rms_norm: Learner) -> None:
    """w * x / sqrt(mean(x^2) + eps) over the last axis."""
    x, weight = np.array([[3.0, -4.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]]), np.array([1.0, 1.0, 1.0, 2.0])
    answer = _array(rms_norm(x, weight, 0.0))
    require(answer.shape == x.shape, f"the shape must stay {x.shape}; yours is {answer.shape}")
    # Row 1: mean square (9 + 16) / 4 = 6.25, root 2.5.
    require(
        not np.allclose(answer[0, :2], [0.6, -0.8]),
        "you divided by the length of the vector; the *mean* square divides the sum by the number of channels",
    )
    require(
        not np.allclose(answer[1, :3], 0.0),
        "the row of ones became zero: you subtracted the mean, as LayerNorm does; RMSNorm only scales",
    )
    require(
        not np.allclose(answer[0, :2], [0.48, -0.64]),
        "you divided by the mean square; divide by its square root",
    )
    require(
        np.allclose(answer[0], [1.2, -1.6, 0.0, 0.0]),
        f"(3, -4, 0, 0) has the root mean square 2.5, so it becomes (1.2, -1.6, 0, 0); yours is {answer[0].tolist()}",
    )
    require(
        np.allclose(answer[1], [1.0, 1.0, 1.0, 2.0]),
        f"each channel is multiplied by its weight: (1, 1, 1, 1) becomes (1, 1, 1, 2); yours is {answer[1].tolist()}",
    )
    # mean square 0 + eps 0.25: root 0.5
    small = _array(rms_norm(np.full((1, 4), 0.1), np.ones(4), 0.99))
    require(np.allclose(small, 0.1), f"eps is added to the mean square, inside the root; yours gives {small.tolist()}")


@_exercise("2.1.2")
def check_2_1_2(repeat_heads: Learner) -> None:
    """Key-value heads (heads, seq, width) repeated so that query head i uses head i // group."""
    keys = np.arange(2 * 3 * 1, dtype=float).reshape(2, 3, 1)
    answer = _array(repeat_heads(keys, 6))
    require(
        answer.shape == (6, 3, 1),
        f"2 key-value heads for 6 query heads: the result has the shape (6, 3, 1); yours has {answer.shape}",
    )
    owners = [0 if np.allclose(head, keys[0]) else 1 if np.allclose(head, keys[1]) else -1 for head in answer]
    require(
        owners != [0, 1, 0, 1, 0, 1],
        "you repeated the whole list: head 0 serves queries 0, 2, 4. Neighbors share a head: 0, 1 and 2 use head 0",
    )
    require(owners == [0, 0, 0, 1, 1, 1], f"query heads 0 to 5 must use the heads 0, 0, 0, 1, 1, 1; yours use {owners}")
    same = _array(repeat_heads(keys, 2))
    require(np.allclose(same, keys), "with as many heads as queries (MHA) nothing is repeated")


@_exercise("2.1.3")
def check_2_1_3(document_mask: Learner) -> None:
    """(seq, seq) booleans: row i may look at column j if j <= i and both are of one document."""
    answer = _array(document_mask([7, 7, 3, 3])).astype(bool)
    expected = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1]], dtype=bool)
    require(answer.shape == (4, 4), f"four tokens give a mask of shape (4, 4); yours has {answer.shape}")
    require(
        not np.array_equal(answer, np.tril(np.ones((4, 4), dtype=bool))),
        "the mask is causal, but the second document sees the first; compare the documents' ids as well",
    )
    require(
        not np.array_equal(answer, expected | expected.T),
        "tokens see the future of their document; a row may only look at columns up to itself",
    )
    require(not np.array_equal(answer, expected.T), "rows look and columns are looked at; yours is transposed")
    require(not np.array_equal(answer, ~expected), "True means *may be seen*; yours is the other way around")
    require(np.array_equal(answer, expected), f"for the ids 7, 7, 3, 3 expected {expected.tolist()}")
    require(bool(_array(document_mask([1])).astype(bool).all()), "a token always sees itself")


@_exercise("2.1.4")
def check_2_1_4(gated_width: Learner) -> None:
    """Width of a gated MLP with the parameters of a plain one of `width`, rounded down to a multiple."""
    answer = gated_width(3072, 1)
    require(
        not is_close(answer, 1536),
        "you halved the width, as if a gated MLP had twice the matrices; it has three for two",
    )
    require(not is_close(answer, 4608), "a gated MLP has *more* matrices, so it must be narrower, not wider")
    require(not is_close(answer, 3072), "at the same width a gated MLP has half as many parameters again")
    require(is_close(answer, 2048), f"3 * h * 2048 = 2 * h * 3072; you returned {answer!r}")
    # 2/3 of 4 * 2048 is 5461.3: LLaMA rounds, and hardware likes multiples.
    answer = gated_width(8192, 256)
    require(
        is_close(answer, 5376),
        f"2/3 of 8192 is 5461.3; the multiple of 256 below it is 21 * 256 = 5376; you returned {answer!r}",
    )


def _array(value: Any) -> np.ndarray:
    """The learner's array, whatever library made it."""
    try:
        return np.asarray(value)
    except (TypeError, ValueError):
        require(False, f"expected an array, got {type(value).__name__}")
        raise
