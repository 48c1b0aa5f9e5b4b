"""The models written by hand have exactly the effects that their texts state."""

from __future__ import annotations

import itertools

import pytest
import torch

from course import zoo
from course.zoo import backup_head, gates, two_triggers

MODELS = {"gates": gates, "backup_head": backup_head, "two_triggers": two_triggers}


@pytest.fixture(params=MODELS)
def name(request) -> str:
    return request.param


def test_the_shipped_weights_are_the_built_ones(name):
    shipped, built = zoo.load(name).state_dict(), MODELS[name].build().state_dict()
    assert all(torch.equal(shipped[key], value) for key, value in built.items())
    assert all(value.dtype == torch.float64 for value in shipped.values())


def test_the_card_holds_exactly(name):
    assert [row.claim for row in zoo.check_card(name) if not row.ok] == []


def test_attention_is_exactly_one_hot_where_it_looks():
    _, cache = gates.build().run_with_cache(gates.text(1, 0, 2))
    at_read = cache["pattern", 0][0, :, gates.LAST]
    assert torch.equal(at_read, torch.eye(5, dtype=torch.float64)[1:4])


@pytest.mark.parametrize(("a", "b", "c"), list(itertools.product((0, 1), (0, 1), (0, 1, 2))))
def test_gates_follow_their_truth_tables(a, b, c):
    opened = gates.gates(gates.build(), gates.text(a, b, c))
    assert opened == {"AND": float(a and b), "OR": float(a or b), "CAP": float(min(c, 1))}


def test_noising_and_denoising_disagree_in_opposite_ways():
    """By writing out the runs rather than through the card's own measure."""
    model, hook = gates.build(), "blocks.0.attn.hook_z"
    runs = {"clean": gates.text(1, 1, 2), "corrupt": gates.text(0, 0, 0)}
    z = {run: model.run_with_cache(tokens)[1][hook] for run, tokens in runs.items()}

    def logit(into: str, source: str, head: int, token: int) -> float:
        def patch(activation, hook):
            activation[:, -1, head] = z[source][:, -1, head]

        with torch.no_grad():
            logits = model.run_with_hooks(runs[into], fwd_hooks=[(hook, patch)])
        return float(logits[0, -1, token])

    for head in (0, 1):
        assert logit("clean", "corrupt", head, gates.AND) == 0.0
        assert logit("corrupt", "clean", head, gates.AND) == 0.0
        assert logit("clean", "corrupt", head, gates.OR) == gates.GAIN
        assert logit("corrupt", "clean", head, gates.OR) == gates.GAIN


def test_a_silent_head_is_replaced_and_a_wrong_one_is_not():
    model, tokens = backup_head.build(), backup_head.text(2)
    truth = zoo.card("backup_head")["ground_truth"]
    hook = "blocks.0.attn.hook_z"
    with torch.no_grad():
        clean = model(tokens)[0, -1]
        silent = model.run_with_hooks(tokens, fwd_hooks=[(hook, lambda z, hook: z * 0)])[0, -1]
        z = model.run_with_cache(backup_head.text(5))[1][hook]
        wrong = model.run_with_hooks(tokens, fwd_hooks=[(hook, lambda _, hook: z)])[0, -1]
    assert clean.argmax() == silent.argmax() == 2
    assert wrong.argmax() == 5
    assert float(clean[2] - silent[2]) == truth["total effect of head 0.0, zero ablation"] == 2.0
    assert truth["direct effect of head 0.0"] - 2.0 == truth["repaired"] == 6.0
    assert float(wrong[2]) == 0.0


def test_the_backup_head_rests_while_it_is_not_needed():
    model = backup_head.build()
    cache = model.run_with_cache(backup_head.text(3))[1]
    assert cache["attn_out", 1].abs().max() == 0.0
    assert cache["pattern", 1][0, 0, -1].tolist() == [1.0, 0.0, 0.0, 0.0]


def test_the_neuron_fires_for_days_and_for_one_pair():
    model, tokens = two_triggers.build(), two_triggers.all_texts()
    value = two_triggers.values(model, tokens)
    for (_, before, here), found in zip(tokens.tolist(), value.tolist(), strict=True):
        pair = (before, here) == (two_triggers.FIRST, two_triggers.SECOND)
        expected = two_triggers.DAYS.get(here, two_triggers.PAIR if pair else 0.0)
        assert found == expected, (before, here)


def test_both_triggers_do_the_same_to_the_logits():
    model = two_triggers.build()
    with torch.no_grad():
        logits = model(torch.tensor([[0, 7, 1, 9, 5, 4, 5, 4]]))[0]
    assert logits[:, two_triggers.ALARM].tolist() == [0, 0, 8, 0, 0, 4, 0, 4]
    logits[:, two_triggers.ALARM] = 0.0
    assert logits.abs().max() == 0.0
