"""A `transformers` sequence classifier as a quality model, such as FineWeb-Edu's own.

    [curate.edu_quality]
    model = "HuggingFaceFW/fineweb-edu-classifier"

Any classifier with one output is taken as a regression whose output is the score. One with several is taken to give
the probabilities of the scores 0, 1, 2, ...; the score is their mean.

**Cost**: a pass through the model for each document, of at most 512 tokens: on a CPU thousands of times the built-in
model's. torch is imported when the first document is scored, in the worker.
"""

from dataclasses import dataclass, field
from typing import Any

from smollab.curate.errors import CurationError

__all__ = ["TransformerScorer"]

MAXIMUM_TOKENS = 512
"""FineWeb-Edu's; the beginning of a document is scored."""


@dataclass
class TransformerScorer:
    """Scores texts with a classifier from a folder or the hub."""

    name: str
    """Folder, or name on the hub."""
    _loaded: tuple[Any, Any] | None = field(default=None, init=False, repr=False)

    def score(self, text: str) -> float:
        """Return the score of a text.

        Raises:
            CurationError: the model cannot be loaded.
        """
        import torch

        tokenizer, model = self._load()
        inputs = tokenizer(text, truncation=True, max_length=MAXIMUM_TOKENS, return_tensors="pt")
        with torch.inference_mode():
            logits = model(**inputs).logits[0].float()
        if len(logits) == 1:
            return float(logits[0])
        return float(logits.softmax(-1) @ torch.arange(len(logits), dtype=torch.float32))

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            from transformers import AutoModelForSequenceClassification, AutoTokenizer

            try:
                tokenizer = AutoTokenizer.from_pretrained(self.name)
                model = AutoModelForSequenceClassification.from_pretrained(self.name, use_safetensors=True).eval()
            except (OSError, ValueError) as error:
                reason = str(error).strip().splitlines()[0]
                raise CurationError(
                    f"edu_quality.model {self.name!r} cannot be loaded ({reason}); name a folder or a classifier "
                    "on the hub, or leave it out for the built-in model"
                ) from None
            self._loaded = tokenizer, model
        return self._loaded

    def __getstate__(self) -> dict[str, Any]:
        """Leave the loaded model behind when sent to a worker."""
        return {"name": self.name, "_loaded": None}
