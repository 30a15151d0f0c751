"""Steps made of rules: measure a document, compare each value with its threshold, keep both.

A *rule* is one value and one threshold, such as *words* and *at least 50*. A `Filter` is an ordered list of
rules that share one preparation of the document (its words, its language). It can be used in three ways:

- `filter(document)` stops at the first rule that fails: cheapest;
- `filter.measure(document)` returns every value, whatever fails: that is a row of the ledger;
- `filter.judge(values)` decides from values alone: other thresholds need no second look at the text.

The first failing rule, in the order of the published code, is the reason of the drop.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from smollab.documents import Document, Drop

__all__ = ["OTHER", "Filter", "Rule", "Value"]

Value = float | int | bool | str | None
"""What a rule measures; None where the rule has nothing to say (no stop words known for the language)."""


OTHER = "other"
"""In a threshold of names: any that is not listed."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One value against one threshold."""

    name: str
    """Of the value, as in the ledger: `words`."""
    reason: str
    """Of the drop: `too few words`."""
    bound: Literal["minimum", "maximum", "among", "forbidden"]
    """How value and threshold compare: `value >= threshold`, `<=`, `value in threshold`, or the value must not be
    true where the threshold is."""
    setting: str
    """The field of the recipe's section that holds the threshold; a dot leads into a table: `top_n_grams.2`. Empty:
    the rule has no threshold, what is forbidden is always so."""
    measure: Callable[[Any], Value]
    """From what the filter's `prepare` returned."""
    unit: str = ""
    """Written behind the value in a drop's detail: ` per word`."""

    def passes(self, value: Value, threshold: Any) -> bool:
        """Say whether a value satisfies a threshold."""
        if value is None:
            return True
        if self.bound == "minimum":
            return value >= threshold  # type: ignore[no-any-return]
        if self.bound == "maximum":
            return value <= threshold  # type: ignore[no-any-return]
        if self.bound == "among":
            return value in threshold or OTHER in threshold
        return not (value and threshold)

    def explain(self, value: Value, threshold: Any) -> str:
        """Write a failing value against its threshold: `31 < 50`."""
        shown = f"{value:.4g}" if isinstance(value, float) and not value.is_integer() else str(value)
        shown = shown.removesuffix(".0")  # the ledger gives whole numbers back as floats
        if self.bound in ("minimum", "maximum"):
            return f"{shown}{self.unit} {'<' if self.bound == 'minimum' else '>'} {threshold}"
        return "" if value is True else shown


@dataclass(frozen=True)
class Filter:
    """A step made of rules; a `Step`, so it can be called with a document."""

    name: str
    """Of the step; drops are `name: reason`."""
    rules: Sequence[Rule]
    """In the order in which they are judged."""
    prepare: Callable[[Document], tuple[Document, Any]]
    """Document -> (the document, perhaps edited; what the rules measure)."""
    settings: Any
    """The section of the recipe with the thresholds."""
    by_language: Mapping[str, Mapping[str, Any]]
    """Language -> `step.setting` -> threshold in place of the section's; only these names are looked at."""
    edits: tuple[str, ...] = ()
    """Fields of the section that change the text; `prepare` edits it."""
    depends: tuple[str, ...] = ()
    """Further fields that change the values, not only the verdict, such as the name of a model."""
    note: Callable[[Document, Mapping[str, Value]], Document] | None = None
    """Writes values into the document, such as its language."""

    def __call__(self, document: Document) -> Document | Drop:
        """Return the document, or the drop of the first rule that fails; later rules are not measured."""
        if self.note:
            document, values = self.measure(document)
            return self.judge(values, document.language) or document
        document, prepared = self.prepare(document)
        for rule in self.rules:
            value = rule.measure(prepared)
            if value is None:
                continue
            threshold = self.threshold(rule, document.language)
            if not rule.passes(value, threshold):
                return self._drop(rule, value, threshold)
        return document

    def measure(self, document: Document) -> tuple[Document, dict[str, Value]]:
        """Return the document and the value of every rule."""
        document, prepared = self.prepare(document)
        values = {rule.name: rule.measure(prepared) for rule in self.rules}
        return (self.note(document, values) if self.note else document), values

    def recall(self, document: Document, values: Mapping[str, Value]) -> Document:
        """Return the document as `measure` would, when the values are known from an earlier time."""
        if self.edits:
            document, _ = self.prepare(document)
        return self.note(document, values) if self.note else document

    def judge(self, values: Mapping[str, Value], language: str = "") -> Drop | None:
        """Return the drop of the first rule whose value fails, or None."""
        for rule in self.rules:
            value = values.get(rule.name)
            threshold = self.threshold(rule, language)
            if not rule.passes(value, threshold):
                return self._drop(rule, value, threshold)
        return None

    def threshold(self, rule: Rule, language: str = "") -> Any:
        """Return a rule's threshold for a language."""
        if not rule.setting:
            return True
        special = self.by_language.get(language)
        if special is not None and f"{self.name}.{rule.setting}" in special:
            return special[f"{self.name}.{rule.setting}"]
        field, _, key = rule.setting.partition(".")
        threshold = getattr(self.settings, field)
        return threshold[key] if key else threshold

    def _drop(self, rule: Rule, value: Value, threshold: Any) -> Drop:
        return Drop(f"{self.name}: {rule.reason}", rule.explain(value, threshold))
