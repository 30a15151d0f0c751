"""The time dial: budgets are understood, the choice follows the law, and schedules stretch evenly."""

import math

import pytest

from smollab.recipe import load_recipe
from smollab.scaling.budget import (
    BudgetError,
    affordable_flops,
    choose,
    divide,
    parse_budget,
    scaled,
    sizes,
    stretched,
)
from smollab.scaling.law import load_law


def test_budgets_are_understood():
    assert parse_budget("10m").seconds == 600 and parse_budget("1.5h").seconds == 5400
    assert parse_budget("3e15flops").flops == 3e15 and parse_budget("3e15flops").seconds is None
    cluster = parse_budget("8xH100:2h")
    assert (cluster.seconds, cluster.devices, cluster.device) == (7200, 8, "H100")


@pytest.mark.parametrize("text", ["", "10", "m", "-3m", "0m", "3e15", "8xTOASTER:2h", "8xH100", "1e999h x"])
def test_what_is_no_budget_is_refused_with_examples(text):
    with pytest.raises(BudgetError, match=r"10m or 2h.*8xH100:2h"):
        parse_budget(text)


def test_more_operations_buy_a_larger_model_more_tokens_and_a_lower_loss():
    base, law, before = load_recipe("laptop"), load_law(), None
    for flops in (1e12, 1e13, 1e14, 1e15, 1e16):
        best = choose(base, affordable_flops(base, flops), law)[0]
        if before is not None:
            assert best.loss < before.loss and best.tokens > before.tokens and best.parts.total >= before.parts.total
        before = best
        # Nothing is bought on credit: whole steps of the batch cost at most the budget.
        cost = flops / best.tokens * best.recipe.total_steps * best.recipe.train.batch_sequences
        assert cost * best.recipe.train.sequence_length <= flops * 1.0001
    assert best.recipe.model.hidden_size > base.model.hidden_size


def test_the_choice_is_the_lowest_loss_of_all_sizes():
    base, law = load_recipe("laptop"), load_law()
    choices = choose(base, affordable_flops(base, 1e14), law)
    assert [c.loss for c in choices] == sorted(c.loss for c in choices)
    for choice in choices:
        assert choice.loss == pytest.approx(law.loss(choice.parts.total, choice.tokens))


def test_a_budget_too_small_says_so():
    base = load_recipe("laptop")
    with pytest.raises(BudgetError, match="fewer than 20 steps"):
        choose(base, affordable_flops(base, 1e8), load_law())


def test_every_size_is_a_model_that_can_be_built():
    base = load_recipe("laptop").model
    for model in sizes(base, 2048):
        assert model.num_attention_heads * model.head_width == model.hidden_size
        assert model.num_attention_heads % model.num_key_value_heads == 0


def test_the_recipe_s_own_tokens_give_back_the_recipe():
    base = load_recipe("laptop")
    same = scaled(base, base.model, base.total_tokens)
    assert same.total_steps == base.total_steps and same.train.batch_sequences == base.train.batch_sequences
    assert same.schedule == base.schedule and same.optimizer.learning_rate == base.optimizer.learning_rate


def test_stretching_keeps_what_was_and_the_place_in_the_decay():
    base = load_recipe("laptop")
    begin = base.total_steps - base.schedule.decay_steps
    for step in (10, begin + base.schedule.decay_steps // 2):
        left = base.total_steps - step
        twice = stretched(base, step, 2 * left)
        assert twice.total_steps == step + 2 * left
        share = lambda recipe, at=step: (recipe.total_steps - at) / recipe.schedule.decay_steps
        assert share(twice) == pytest.approx(share(base))
    assert divide(10, [1, 1, 1]) == [3, 4, 3] and sum(divide(997, [3, 0.5, 9])) == 997


def test_the_shipped_law_names_its_source_and_range(tmp_path):
    law = load_law()
    assert "small runs" in law.source and law.unit == "bits per byte"
    assert law.loss(1e6, 1e6) > law.loss(2e6, 1e6) > law.E and math.isfinite(law.loss(1e12, 1e13))
    assert law.reaches(1e6, 5e5) and not law.reaches(3e9, 1e13)
    bad = tmp_path / "law.toml"
    bad.write_text("E = 1.0\n")
    with pytest.raises(ValueError, match=r"law\.toml: no scaling law: expected the keys"):
        load_law(bad)
