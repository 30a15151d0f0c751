"""The training loop: determinism, exact resume, accumulation, divergence."""

import importlib
import math
import random
import signal

import pytest
import torch

from smollab.batch import IGNORE_INDEX, Batch
from smollab.recipe import Recipe, plan_stages
from smollab.tokens.shards import ShardError
from smollab.train import loop
from smollab.train.checkpoint import CheckpointMismatch, list_checkpoints
from smollab.train.data import stages_from
from smollab.train.loop import TrainingError
from smollab.train.metrics import read_metrics
from smollab.train.step import set_learning_rates, train_step


class Crash(Exception):
    """What stops a training from within."""


def crash_after(monkeypatch, steps: int) -> None:
    """Let the training crash once it has taken so many steps."""
    step, taken = loop.train_step, []

    def until_crash(*arguments):
        if len(taken) == steps:
            raise Crash
        taken.append(1)
        return step(*arguments)

    monkeypatch.setattr(loop, "train_step", until_crash)


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
def test_the_same_run_twice_is_the_same_bit_for_bit(train, make_recipe, outcome, tmp_path, optimizer):
    recipe = make_recipe({"optimizer.name": optimizer})
    for name in ("first", "second"):
        train(recipe, tmp_path / name)
    assert outcome(tmp_path / "first") == outcome(tmp_path / "second")


def test_another_seed_is_another_run(train, make_recipe, outcome, tmp_path):
    for seed in (3, 4):
        train(make_recipe({"train.seed": seed}), tmp_path / str(seed))
    assert outcome(tmp_path / "3")[1] != outcome(tmp_path / "4")[1]


def test_the_loss_falls(train, make_recipe, tmp_path):
    train(make_recipe({"stages.0.steps": 40, "optimizer.learning_rate": 0.02}), tmp_path)
    losses = [row["loss"] for row in read_metrics(tmp_path / "metrics.jsonl")]
    assert losses[0] == pytest.approx(math.log(400), rel=0.02)  # at first every token is equally likely
    assert min(losses) < losses[0] - 1


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
@pytest.mark.parametrize("steps", [1, 3, 4, 5, 7, 8, 9, 11])
def test_a_crash_after_any_step_resumes_to_the_same_bits(
    train, make_recipe, outcome, tmp_path, monkeypatch, steps, optimizer
):
    """Checkpoints are every 4 of 12 steps; the stages change after 7."""
    recipe = make_recipe({"optimizer.name": optimizer})
    train(recipe, tmp_path / "straight")
    with monkeypatch.context() as patch, pytest.raises(Crash):
        crash_after(patch, steps)
        train(recipe, tmp_path / "crashed")
    train(recipe, tmp_path / "crashed")
    assert outcome(tmp_path / "crashed") == outcome(tmp_path / "straight")


def test_a_checkpoint_exactly_between_two_stages_resumes_to_the_same_bits(
    train, make_recipe, outcome, tmp_path, monkeypatch
):
    recipe = make_recipe({"train.checkpoint_every": 7})
    train(recipe, tmp_path / "straight")
    with monkeypatch.context() as patch, pytest.raises(Crash):
        crash_after(patch, 8)
        train(recipe, tmp_path / "crashed")
    assert list_checkpoints(tmp_path / "crashed" / "checkpoints")[-1].name == "step-00000007"
    train(recipe, tmp_path / "crashed")
    assert outcome(tmp_path / "crashed") == outcome(tmp_path / "straight")


@pytest.mark.parametrize("at_least", [2, 19])
def test_a_killed_process_resumes_to_the_same_bits(
    start_training, wait_for_step, train, make_recipe, outcome, tmp_path, at_least
):
    long = {"stages.0.steps": 25, "stages.1.steps": 15}
    process = start_training(tmp_path / "killed", *(f"{key}={value}" for key, value in long.items()))
    wait_for_step(process, tmp_path / "killed", at_least + random.randrange(3))
    process.kill()
    process.wait()
    assert len(read_metrics(tmp_path / "killed" / "metrics.jsonl")) < 40
    for name in ("killed", "straight"):
        train(make_recipe(long), tmp_path / name)
    assert outcome(tmp_path / "killed") == outcome(tmp_path / "straight")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_finishes_the_step_saves_it_and_resumes_to_the_same_bits(
    start_training, wait_for_step, train, make_recipe, outcome, tmp_path, number
):
    long = {"stages.0.steps": 50, "train.checkpoint_every": 1000}
    process = start_training(tmp_path / "stopped", *(f"{key}={value}" for key, value in long.items()))
    wait_for_step(process, tmp_path / "stopped", 5)
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    assert "finishing this step" in output and "KeyboardInterrupt" in output
    (checkpoint,) = list_checkpoints(tmp_path / "stopped" / "checkpoints")
    assert checkpoint.name == f"step-{len(read_metrics(tmp_path / 'stopped' / 'metrics.jsonl')):08d}"
    for name in ("stopped", "straight"):
        train(make_recipe(long), tmp_path / name)
    assert outcome(tmp_path / "stopped") == outcome(tmp_path / "straight")


def test_a_finished_run_is_left_alone(train, make_recipe, outcome, tmp_path, monkeypatch):
    recipe = make_recipe()
    last = train(recipe, tmp_path / "run")
    before, changed = outcome(tmp_path / "run"), last.stat().st_mtime_ns
    crash_after(monkeypatch, 0)
    assert train(recipe, tmp_path / "run") == last
    assert (outcome(tmp_path / "run"), last.stat().st_mtime_ns) == (before, changed)


def test_old_checkpoints_are_pruned(train, make_recipe, tmp_path):
    train(make_recipe({"train.checkpoint_every": 2, "train.keep_checkpoints": 3}), tmp_path)
    names = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert names == ["step-00000008", "step-00000010", "step-00000012"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"model.hidden_size": 64}, "model.hidden_size: 32 there, 64 here"),
        ({"stages.1.mixture.web": 0.5}, "stages.1.mixture.web: None there, 0.5 here"),
        ({"optimizer.betas": [0.8, 0.95]}, "optimizer.betas"),
        ({"train.seed": 8}, "train.seed: 3 there, 8 here"),
        ({"schedule.decay": "cosine"}, "schedule.decay: linear there, cosine here"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_checkpoint_of_another_configuration_is_refused_by_key(train, make_recipe, tmp_path, change, named):
    train(make_recipe(), tmp_path)
    with pytest.raises(CheckpointMismatch) as error:
        train(make_recipe(change), tmp_path)
    assert named in str(error.value)
    assert "start anew" in str(error.value)


def test_a_checkpoint_of_other_tokens_is_refused(train, make_recipe, tokens, tmp_path):
    from smollab.tokens.shards import write_shard

    train(make_recipe(), tmp_path / "run")
    write_shard(tokens / "train" / "code", [([1, 2, 3] * 50, 5)], 400, "hash")
    with pytest.raises(CheckpointMismatch, match="tokens"):
        train(make_recipe(), tmp_path / "run")


@pytest.mark.parametrize(
    "change",
    [{"train.log_every": 5}, {"train.checkpoint_every": 3}, {"train.keep_checkpoints": 1}, {"description": "new"}],
)
def test_what_does_not_change_the_result_may_change(train, make_recipe, tmp_path, change):
    train(make_recipe(), tmp_path)
    train(make_recipe(change), tmp_path)


def test_changed_tokens_are_not_trained_on(train, make_recipe, tokens, tmp_path):
    path = tokens / "train" / "web" / "tokens.bin"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    with pytest.raises(ShardError, match="checksum"):
        train(make_recipe(), tmp_path / "run")


def test_stages_begin_where_they_should(make_recipe):
    begins = lambda step: [(plan.stage.name, plan.begin) for plan in stages_from(make_recipe(), step)]
    assert begins(0) == begins(6) == [("first", 0), ("second", 7)]
    assert begins(7) == begins(11) == [("second", 7)]
    assert begins(12) == []


def test_each_stage_reads_its_own_mixture(train, make_recipe, tmp_path):
    train(make_recipe(), tmp_path)
    rows = read_metrics(tmp_path / "metrics.jsonl")
    drawn = lambda stage: {
        name: sum(row["sources"].get(name, 0) for row in rows if row["stage"] == stage) for name in ("web", "code")
    }
    assert drawn("first") == {"web": 20, "code": 8}  # 28 sequences, 0.7 and 0.3
    assert drawn("second") == {"web": 0, "code": 20}


def make_batch(make_model, rows: int = 4) -> tuple[torch.nn.Module, Batch]:
    """A model and a batch whose rows have unequal numbers of targets."""
    model = make_model()
    tokens = torch.randint(97, (rows, 13), generator=torch.Generator().manual_seed(0))
    targets = tokens[:, 1:].clone()
    targets[0, :9] = IGNORE_INDEX
    targets[1, 5] = IGNORE_INDEX
    positions = torch.arange(12).expand(rows, -1)
    return model, Batch(tokens[:, :-1], targets, positions, torch.zeros(rows, 12, dtype=torch.int64))


def one_step(make_model, recipe: Recipe) -> tuple[float, float, torch.Tensor]:
    """Loss, gradient norm, and the sum of gradients: the move of plain SGD at a rate of one."""
    model, batch = make_batch(make_model)
    before = torch.cat([p.detach().flatten().clone() for p in model.parameters()])
    loss, norm = train_step(model, [torch.optim.SGD(model.parameters(), lr=1.0)], batch, recipe)
    return loss, norm, before - torch.cat([p.detach().flatten() for p in model.parameters()])


@pytest.mark.parametrize("micro_batch", [1, 2])
def test_accumulated_micro_batches_equal_the_large_batch(make_model, make_recipe, micro_batch):
    settings = {"optimizer.max_grad_norm": 1e9}
    large = one_step(make_model, make_recipe(settings | {"train.micro_batch_sequences": 4}))
    small = one_step(make_model, make_recipe(settings | {"train.micro_batch_sequences": micro_batch}))
    assert small[:2] == pytest.approx(large[:2], rel=1e-5)
    torch.testing.assert_close(small[2], large[2], rtol=1e-4, atol=1e-6)


def test_gradients_are_clipped_to_the_norm_and_small_ones_are_not(make_model, make_recipe):
    free = one_step(make_model, make_recipe({"optimizer.max_grad_norm": 1e9}))
    clipped = one_step(make_model, make_recipe({"optimizer.max_grad_norm": 0.5 * free[1]}))
    assert free[2].norm().item() == pytest.approx(free[1], rel=1e-4)
    assert clipped[1] == pytest.approx(free[1])  # the norm reported is that before clipping
    torch.testing.assert_close(clipped[2], 0.5 * free[2], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("poison", ["loss", "gradient"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_leaves_weights_and_optimizer_untouched(make_model, make_recipe, poison, value):
    model, batch = make_batch(make_model)
    optimizer = torch.optim.AdamW(model.parameters())
    train_step(model, [optimizer], batch, make_recipe())
    if poison == "loss":
        model.norm.register_forward_hook(lambda module, inputs, output: output * value)
    else:
        model.norm.weight.register_hook(lambda gradient: gradient * value)
    state = lambda: [
        t.clone() for t in (*model.parameters(), *(t for s in optimizer.state.values() for t in s.values()))
    ]
    before = state()
    loss, _ = train_step(model, [optimizer], batch, make_recipe())
    assert not math.isfinite(loss)
    assert all(torch.equal(a, b) for a, b in zip(before, state(), strict=True))


def test_divergence_stops_the_run_and_says_where_and_what_to_do(train, make_recipe, tmp_path, monkeypatch):
    module = importlib.import_module("smollab.objectives.cross_entropy")  # the package's name is that of its function
    recipe, real, calls = make_recipe(), module.next_token_loss, []

    def diverge(*arguments):
        calls.append(1)
        return real(*arguments) * (math.nan if len(calls) == 11 else 1)  # the first micro-batch of step 6

    with monkeypatch.context() as patch, pytest.raises(TrainingError) as error:
        patch.setattr(module, "next_token_loss", diverge)
        train(recipe, tmp_path)
    (checkpoint,) = list_checkpoints(tmp_path / "checkpoints")
    for words in ("step 6", str(checkpoint), "optimizer.learning_rate", "schedule.warmup_steps"):
        assert words in str(error.value)
    assert [row["step"] for row in read_metrics(tmp_path / "metrics.jsonl")] == [1, 2, 3, 4, 5]


def test_rates_follow_the_schedule_in_every_group(make_model, make_recipe):
    from smollab.optim import build_optimizers

    recipe = make_recipe({"optimizer.embedding_learning_rate": 0.5})
    optimizers = build_optimizers(make_model(), recipe.optimizer)
    first, second = plan_stages(recipe)
    assert set_learning_rates(optimizers, recipe, first, 0) == 0.01 / 2  # the first of two steps of warmup
    rates = {group["role"]: group["lr"] for o in optimizers for group in o.param_groups}
    assert rates == {"matrix": 0.005, "embedding": 0.25, "norm": 0.25}
    assert set_learning_rates(optimizers, recipe, second, 10) == pytest.approx(0.01 / 2)  # halfway through the decay


def test_held_out_text_is_measured_on_the_way(train, make_recipe, tmp_path):
    train(make_recipe({"train.evaluate_every": 5}), tmp_path)
    measured = {
        row["step"]: row["held_out"]["web"] for row in read_metrics(tmp_path / "metrics.jsonl") if "held_out" in row
    }
    assert measured.keys() == {5, 10}
    assert measured[10] < measured[5] < 8


def test_a_distilled_run_logs_its_divergence_and_resumes_bit_for_bit(
    train, make_recipe, make_model, outcome, tmp_path, monkeypatch
):
    from smollab.model.huggingface import save_huggingface

    save_huggingface(make_model(vocab_size=400), tmp_path / "teacher")
    changes = {"objective.name": "distillation", "objective.distillation.teacher": str(tmp_path / "teacher")}
    recipe = make_recipe(changes | {"objective.distillation.cross_entropy": 0.5})
    train(recipe, tmp_path / "whole")
    rows = read_metrics(tmp_path / "whole" / "metrics.jsonl")
    assert all(row["loss"] == pytest.approx(row["divergence"] + 0.5 * row["cross_entropy"], rel=1e-5) for row in rows)
    with monkeypatch.context() as patch, pytest.raises(Crash):
        crash_after(patch, 6)
        train(recipe, tmp_path / "stopped")
    train(recipe, tmp_path / "stopped")
    assert outcome(tmp_path / "stopped") == outcome(tmp_path / "whole")
