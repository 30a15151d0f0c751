"""Checks accept the reference, leave stubs alone, and tell typical mistakes apart.

The references here are written for this file; the checks hold their own expected values.
"""

import math

from smollab.lab.checks import tour


def short_line_share(text):
    lines = [line for line in text.split("\n") if line.strip()]
    return sum(len(line) <= 30 for line in lines) / len(lines)


def kv_cache_bytes(layers, key_value_heads, head_dim, tokens, bytes_per_number):
    return 2 * layers * key_value_heads * head_dim * tokens * bytes_per_number


def softmax_with_temperature(logits, temperature):
    scaled = [z / temperature for z in logits]
    weights = [math.exp(z - max(scaled)) for z in scaled]
    return [w / sum(weights) for w in weights]


def newton_schulz_scalar(s, steps):
    for _ in range(steps):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    return s


def training_days(parameters, tokens, devices, peak, utilization):
    return 6 * parameters * tokens / (devices * peak * utilization) / 86_400


REFERENCES = {
    "0.1.1": (tour.check_0_1_1, short_line_share),
    "0.1.2": (tour.check_0_1_2, kv_cache_bytes),
    "0.1.3": (tour.check_0_1_3, softmax_with_temperature),
    "0.1.4": (tour.check_0_1_4, newton_schulz_scalar),
    "0.1.5": (tour.check_0_1_5, training_days),
}


def _softmax(logits):
    weights = [math.exp(z) for z in logits]
    return [w / sum(weights) for w in weights]


def _normalized(values):
    return [v / sum(values) for v in values]


def _one_step(s):
    return newton_schulz_scalar(s, 1)


MISTAKES = {
    # exercise 1
    "counts empty lines as short": (
        tour.check_0_1_1,
        lambda text: sum(len(line) <= 30 for line in text.split("\n")) / len(text.split("\n")),
        "counted the empty line as short",
    ),
    "empty lines in the denominator": (
        tour.check_0_1_1,
        lambda text: sum(0 < len(line) <= 30 for line in text.split("\n")) / len(text.split("\n")),
        "still in the denominator",
    ),
    "long instead of short": (tour.check_0_1_1, lambda text: 1 - short_line_share(text), "share of long lines"),
    "strictly shorter than 30": (
        tour.check_0_1_1,
        lambda text: short_line_share("\n".join(line + "x" for line in text.split("\n") if line)),
        "`<= 30`",
    ),
    # exercise 2
    "keys without values": (tour.check_0_1_2, lambda *a: math.prod(a), "a key and a value"),
    "forgets the tokens": (tour.check_0_1_2, lambda n, h, d, t, b: 2 * n * h * d * b, "product of all five"),
    "forgets the bytes": (tour.check_0_1_2, lambda n, h, d, t, b: 2 * n * h * d * t, "product of all five"),
    # exercise 3
    "multiplies by the temperature": (
        tour.check_0_1_3,
        lambda logits, temperature: softmax_with_temperature(logits, 1 / temperature),
        "do not multiply",
    ),
    "divides the probabilities": (
        tour.check_0_1_3,
        lambda logits, temperature: _normalized([p / temperature for p in _softmax(logits)]),
        "before the exponential",
    ),
    "does not normalize": (
        tour.check_0_1_3,
        lambda logits, temperature: [math.exp(z / temperature) for z in logits],
        "sum to one",
    ),
    "overflows": (
        tour.check_0_1_3,
        lambda logits, temperature: _softmax([z / temperature for z in logits]),
        "OverflowError",
    ),
    "a number instead of a list": (tour.check_0_1_3, lambda logits, temperature: 0.5, "as a list"),
    # exercise 4
    "powers 1, 2, 3": (
        tour.check_0_1_4,
        lambda s, steps: 3.4445 * s - 4.7750 * s**2 + 2.0315 * s**3 if steps else s,
        "powers are 1, 3 and 5",
    ),
    "always one step": (tour.check_0_1_4, lambda s, steps: _one_step(s) if steps else s, "feed the result"),
    "one step too many": (tour.check_0_1_4, lambda s, steps: newton_schulz_scalar(s, steps + 1), "no steps"),
    # exercise 5
    "forward pass only": (tour.check_0_1_5, lambda *a: training_days(*a) / 3, "forward pass alone"),
    "seconds": (tour.check_0_1_5, lambda *a: training_days(*a) * 86_400, "divide by 86,400"),
    "multiplies by the share": (
        tour.check_0_1_5,
        lambda n, t, d, p, u: training_days(n, t, d, p, 1.0) * u,
        "divide by the share",
    ),
}
