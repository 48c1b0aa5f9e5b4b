"""A straight line instead of a patch: where it is exact, and by how much it is wrong elsewhere."""

import pytest
import torch
from specimens import KINDS, make
from torch.testing import assert_close

from course.attribution_patching import attribution_patch
from course.metrics import logit_difference
from course.patching import patch
from course.sites import Site, grid

OTHER = torch.tensor([[0, 2, 3, 5, 10], [4, 8, 1, 9, 1]])
METRIC = logit_difference(torch.tensor([1, 2]), torch.tensor([3, 4]), torch.tensor([-1, 3]))


def neuron(weight_in: float, bias: float) -> torch.nn.Module:
    """A model of one token and one neuron: logit 3 is relu(weight_in * x + bias), x 1 or 0."""
    model = make("bare_with_mlp", n_layers=1)
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        model.get_parameter("embed.W_E")[1, 0] = 1.0
        mlp = model.blocks[0].mlp
        mlp.act_fn = torch.relu
        mlp.W_in[0, 0], mlp.b_in[0], mlp.W_out[0, 1] = weight_in, bias, 1.0
        model.get_parameter("unembed.W_U")[1, 3] = 1.0
    return model


SITE = [Site("blocks.0.hook_resid_pre", pos=0)]
ON, OFF = torch.tensor([[1]]), torch.tensor([[2]])


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_derivative_of_the_patch(kind, tokens):
    """Finite differences: a small part of the patch has that part of the estimated effect."""
    model = make(kind, seed=1)
    cells = grid(model, "z", "layer head pos", n_pos=5)
    estimated = attribution_patch(model, tokens, OTHER, cells, METRIC)
    base, source = (model.run_with_cache(given)[1] for given in (tokens, OTHER))
    part = 1e-5
    for index in (0, 7, 16, 28):
        site = cells.sites[index]
        ends = []
        for step in (part, -part):

            def write(z, hook, site=site, step=step):
                change = source[site.hook] - base[site.hook]
                z[:, site.pos, site.head] += step * change[:, site.pos, site.head]

            ends.append(METRIC(model.run_with_hooks(tokens, fwd_hooks=[(site.hook, write)])))
        expected = (ends[0] - ends[1]) / (2 * part)
        assert_close(estimated.effect.flatten(0, 2)[index], expected, rtol=1e-5, atol=1e-7)


def test_on_a_linear_path_it_is_exact(tokens):
    model = make("bare")
    last = [Site("blocks.1.hook_resid_post", pos=pos) for pos in range(5)]
    heads = [Site("blocks.1.attn.hook_z", head=head) for head in range(3)]
    for sites in (last, heads):
        real = patch(model, tokens, OTHER, sites, METRIC)
        for steps in (None, 1, 3):
            line = attribution_patch(model, tokens, OTHER, sites, METRIC, steps=steps)
            assert_close(line.values, real.values, rtol=0, atol=1e-12)
            assert_close(line.source, real.source)
            assert_close(line.base, real.base)


def test_the_gradient_is_taken_at_the_base_run():
    """relu(3x - 2): from off to on it rises by 1; shut where it starts, the line says 0."""
    model, metric = neuron(3.0, -2.0), logit_difference(3, 4, 0)
    assert float(patch(model, OFF, ON, SITE, metric).effect) == 1.0
    assert float(attribution_patch(model, OFF, ON, SITE, metric).effect) == 0.0
    # From on to off it falls by 1, and the line of slope 3 says 3: wrong by the factor 3.
    assert float(patch(model, ON, OFF, SITE, metric).effect) == -1.0
    assert float(attribution_patch(model, ON, OFF, SITE, metric).effect) == -3.0


def test_integrated_it_is_right_where_the_line_is_not():
    model, metric = neuron(3.0, -2.0), logit_difference(3, 4, 0)
    for base, source, effect in ((OFF, ON, 1.0), (ON, OFF, -1.0)):
        done = attribution_patch(model, base, source, SITE, metric, steps=3)
        assert float(done.effect) == pytest.approx(effect, abs=1e-12)  # the kink is at a step's end


def test_the_integrated_parts_sum_to_the_patch_of_the_whole(gpt2, tokens):
    cells = grid(gpt2, "z", "layer head pos", n_pos=5)
    whole = patch(gpt2, tokens, OTHER, grid(gpt2, "z", "layer"), METRIC).effect
    errors = [
        (
            attribution_patch(gpt2, tokens, OTHER, cells, METRIC, steps=steps).effect.sum(
                dim=(1, 2)
            )
            - whole
        )
        .abs()
        .max()
        for steps in (None, 4, 32)
    ]
    assert errors[0] > 0.1
    assert errors[1] > 4 * errors[2]
    assert errors[2] < 2e-3


def test_masked_scores_do_not_differ(gpt2, tokens):
    sites = [Site("blocks.0.attn.hook_attn_scores", head=1)]
    for steps in (None, 2):
        done = attribution_patch(gpt2, tokens, OTHER, sites, METRIC, steps=steps)
        assert done.effect.isfinite().all()
        assert (done.effect != 0).any()


def test_what_the_metric_does_not_hear_of_has_no_effect(gpt2, tokens):
    done = attribution_patch(gpt2, tokens, OTHER, [Site("unembed.hook_in", pos=0)], METRIC)
    assert (done.effect == 0).all()


def test_it_works_without_gradients_and_leaves_none(gpt2, tokens):
    cells = grid(gpt2, "resid_pre", "layer pos", n_pos=5)
    expected = attribution_patch(gpt2, tokens, OTHER, cells, METRIC, steps=2)
    gpt2.requires_grad_(False)
    with torch.no_grad():
        done = attribution_patch(gpt2, tokens, OTHER, cells, METRIC, steps=2)
        assert not torch.is_grad_enabled()
    assert_close(done.values, expected.values, rtol=0, atol=1e-12)
    assert all(parameter.grad is None for parameter in gpt2.parameters())
    assert not any(point.is_used() for point in gpt2._points.values())
    assert not done.values.requires_grad


def test_embeddings_are_sites_too(tokens):
    model = make("bare")
    real = patch(model, tokens, OTHER, [Site("hook_embed")], METRIC)
    line = attribution_patch(model, tokens, OTHER, [Site("hook_embed")], METRIC, steps=200)
    assert_close(line.values, real.values, rtol=0, atol=1e-4)


def test_bad_input_is_refused(gpt2, tokens):
    with pytest.raises(ValueError, match="steps=0"):
        attribution_patch(gpt2, tokens, OTHER, SITE, METRIC, steps=0)
    with pytest.raises(ValueError, match="same length"):
        attribution_patch(gpt2, tokens, OTHER[:1], SITE, METRIC)
    with pytest.raises(ValueError, match="No sites"):
        attribution_patch(gpt2, tokens, OTHER, [], METRIC)
