"""The recipe: all there is to a run, section by section."""

from dataclasses import dataclass, field

from smollab.recipe.curation import Curate, Data
from smollab.recipe.model import Model
from smollab.recipe.objective import Objective
from smollab.recipe.optimization import Monitor, Optimizer, Schedule
from smollab.recipe.training import Evaluate, Parallel, Stage, Tokenizer, Train


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All there is to a run."""

    name: str
    """Also the name of the run's folder."""
    description: str = ""
    """One sentence."""
    data: Data = field(default_factory=Data)
    """Where the documents come from."""
    curate: Curate = field(default_factory=Curate)
    """Thresholds of the curation steps."""
    tokenizer: Tokenizer = field(default_factory=Tokenizer)
    """The tokenizer."""
    model: Model = field(default_factory=Model)
    """The architecture."""
    stages: tuple[Stage, ...] = ()
    """Stretches of training, one after the other."""
    objective: Objective = field(default_factory=Objective)
    """What is predicted."""
    optimizer: Optimizer = field(default_factory=Optimizer)
    """How gradients become updates."""
    schedule: Schedule = field(default_factory=Schedule)
    """The learning rate over time."""
    monitor: Monitor = field(default_factory=Monitor)
    """What is watched, and what is done about it."""
    train: Train = field(default_factory=Train)
    """Batches, seeds, checkpoints."""
    parallel: Parallel = field(default_factory=Parallel)
    """Layout over devices."""
    evaluate: Evaluate = field(default_factory=Evaluate)
    """What the finished model is asked."""

    @property
    def total_steps(self) -> int:
        """Optimizer steps of all stages."""
        return sum(stage.steps for stage in self.stages)

    @property
    def total_tokens(self) -> int:
        """Training tokens of all stages."""
        return self.total_steps * self.train.batch_sequences * self.train.sequence_length
