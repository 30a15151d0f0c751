"""Distillation as an objective: the student learns from the distribution that a teacher predicts, not from one token.

A next token tells what was written; a teacher's distribution tells what else could have been, so each position carries
more information. The teacher reads the same tokens once, without gradients, and only its hidden states are kept; logits
of both models exist for some tokens at a time (`distilled_loss.py`).

Fails when: the teacher is hardly better than the student, or far beyond what the student can imitate; and with many
tokens, where learning from the text alone catches up (Busbridge et al. 2025, distillation scaling laws).

Source: Hinton et al. 2015; the divergences: see `divergences.py`.
"""

from pathlib import Path

import torch
from torch import Tensor

from smollab.batch import Batch
from smollab.model.config import ModelConfig
from smollab.model.huggingface import load_huggingface
from smollab.model.transformer import Transformer
from smollab.objectives.distilled_loss import Terms, distilled_loss
from smollab.objectives.objective import Objective, States
from smollab.recipe import Objective as Settings

RUNS = Path("runs")


class Distilled(Objective):
    """A divergence from a teacher's predictions, and cross-entropy if wanted.

    Raises:
        ValueError: there is no teacher, or it has another vocabulary than the student.
    """

    metrics = ("divergence", "cross_entropy")

    def __init__(self, settings: Settings, config: ModelConfig, tokens: Path | None = None) -> None:
        super().__init__()
        distillation = settings.distillation
        if distillation is None:
            raise ValueError("objective.name = 'distillation' needs a table [objective.distillation] with a teacher")
        folder = find_teacher(distillation.teacher)
        if tokens is not None:
            check_tokenizer(folder, tokens.parent / "tokenizer")
        teacher = load_huggingface(folder).eval().requires_grad_(False)
        if teacher.config.vocab_size < config.vocab_size:
            raise ValueError(
                f"{folder}: the teacher has {teacher.config.vocab_size} vocabulary entries, the student "
                f"{config.vocab_size}; train the student with the teacher's tokenizer (tokenizer.path)"
            )
        # In a tuple it is no child: its weights are neither trained nor saved with the student's.
        self._teacher = (teacher,)
        self.terms = Terms(
            divergence=distillation.divergence,
            beta=distillation.beta,
            temperature=distillation.temperature,
            scale_by_temperature=distillation.scale_by_temperature,
            logits=distillation.logits,
            cross_entropy=distillation.cross_entropy,
            chunk_tokens=settings.chunk_tokens,
        )

    @property
    def teacher(self) -> Transformer:
        """The larger model, frozen."""
        return self._teacher[0]

    @torch.no_grad()
    def inputs(self, batch: Batch) -> dict[str, Tensor]:
        """The teacher's hidden states after its final norm, (batch, seq, width)."""
        self.teacher.to(batch.tokens.device)
        hidden = self.teacher(batch.tokens, batch.document_ids, batch.positions)
        return {"teacher_hidden": hidden.view(*batch.tokens.shape, -1)}

    def forward(self, states: States, batch: Batch, num_targets: int) -> tuple[Tensor, dict[str, Tensor]]:
        """The weighted loss; divergence and cross-entropy by themselves."""
        loss, divergence, cross_entropy = distilled_loss(
            states.hidden,
            states.unembedding,
            batch.extra["teacher_hidden"],
            self.teacher.lm_head.weight,
            batch.targets,
            self.terms,
            num_targets,
            states.logit_softcap,
            self.teacher.config.logit_softcap,
        )
        return loss, {"divergence": divergence, "cross_entropy": cross_entropy}


def find_teacher(name: str) -> Path:
    """The Hugging Face folder of a teacher: itself, or what a run exported.

    Raises:
        ValueError: there is none.
    """
    places = [Path(name), Path(name) / "export", RUNS / name / "export"]
    for place in places:
        if (place / "config.json").is_file():
            return place
    raise ValueError(
        f"objective.distillation.teacher = {name!r}: neither a folder with config.json nor a run that was exported "
        f"(smollab export {name}); looked in {', '.join(map(str, places))}"
    )


def check_tokenizer(teacher: Path, student: Path) -> None:
    """Make sure that both models mean the same by a token.

    Raises:
        ValueError: they do not.
    """
    from tokenizers import Tokenizer

    theirs, ours = teacher / "tokenizer.json", student / "tokenizer.json"
    if not theirs.is_file() or not ours.is_file():
        return
    vocabulary = lambda path: Tokenizer.from_file(str(path)).get_vocab()
    if vocabulary(theirs) != vocabulary(ours):
        raise ValueError(
            f"{theirs} and {ours} differ: a teacher's distribution is over its own tokens. Train the student with "
            f"tokenizer.path = {str(teacher)!r}"
        )
