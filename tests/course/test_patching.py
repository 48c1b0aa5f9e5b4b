"""Batched patching against a loop, against circuits whose effects are known, and in corners."""

import pytest
import torch
from specimens import KINDS, make
from torch.testing import assert_close

from course import UnknownHookError, zoo
from course.metrics import logit_difference
from course.patching import denoising, noising, patch
from course.sites import Site, grid

OTHER = torch.tensor([[0, 2, 3, 5, 10], [4, 8, 1, 9, 1]])
METRIC = logit_difference(torch.tensor([1, 2]), torch.tensor([3, 4]), torch.tensor([-1, 3]))


def loop(model, base, source, sites, metric=METRIC):
    """One run for each site, one sequence after the other, by plain assignment."""
    values = torch.empty(len(sites), len(base), dtype=torch.float64)
    for row in range(len(base)):
        cache = model.run_with_cache(source[row : row + 1])[1]
        for index, site in enumerate(sites):

            def assign(activation, hook, site=site, cache=cache):
                place = [
                    0,
                    *(
                        slice(None) if getattr(site, a) is None else getattr(site, a)
                        for a in site.axes
                    ),
                ]
                activation[tuple(place)] = cache[site.hook][tuple(place)]

            with torch.no_grad(), model.hooks([(site.hook, assign)]):
                logits = model(base).clone()
                logits[row] = model(base[row : row + 1])[0]
            values[index, row] = metric(logits)[row]
    return values


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [None, 1, 7])
def test_all_sites_at_once_equal_one_after_the_other(kind, rows, tokens):
    model = make(kind, seed=3)
    model.requires_grad_(False)
    sites = [
        *grid(model, "resid_pre", "layer pos", n_pos=5).sites,
        *grid(model, "z", "layer head").sites[::-1],
        Site("blocks.1.attn.hook_pattern", head=1, pos=3),
        Site("blocks.0.attn.hook_pattern", head=0, pos=-1, unit=2),
        Site("blocks.1.attn.hook_v", head=2, pos=0),
        Site("blocks.0.hook_attn_out", unit=3),
        Site("hook_embed", pos=2),
        Site("unembed.hook_in", pos=-1),
    ]
    done = patch(model, tokens, OTHER, sites, METRIC, rows=rows)
    assert_close(done.values, loop(model, tokens, OTHER, sites), rtol=0, atol=1e-12)
    assert_close(done.base, METRIC(model(tokens)), rtol=0, atol=1e-12)
    assert_close(done.source, METRIC(model(OTHER)), rtol=0, atol=1e-12)


def test_results_have_the_axes_of_the_grid(gpt2, tokens):
    cells = grid(gpt2, "z", "head pos layer", n_pos=5)
    done = patch(gpt2, tokens, OTHER, cells, METRIC)
    assert done.values.shape == (3, 5, 2, 2)
    alone = patch(gpt2, tokens, OTHER, Site("blocks.1.attn.hook_z", head=2, pos=4), METRIC)
    assert_close(done.values[2, 4, 1], alone.values[0], rtol=0, atol=1e-12)


def test_no_row_hears_of_another(gpt2, tokens):
    cells = grid(gpt2, "resid_pre", "layer pos", n_pos=5)
    others = OTHER.clone()
    others[1] = torch.tensor([5, 5, 5, 5, 5])
    first, second = (patch(gpt2, tokens, source, cells, METRIC) for source in (OTHER, others))
    assert torch.equal(first.values[..., 0], second.values[..., 0])
    assert not torch.equal(first.values[..., 1], second.values[..., 1])


def test_the_future_does_not_reach_the_past(gpt2, tokens):
    done = patch(gpt2, tokens, OTHER, grid(gpt2, "resid_pre", "layer pos", n_pos=5), METRIC)
    assert (done.effect[:, 4, 1] == 0).all()  # the second sequence is measured at position 3
    assert (done.effect[1, :3, 1] != 0).any()


def test_the_whole_stream_takes_the_whole_difference(model, tokens):
    for name in ("hook_resid_pre", "hook_resid_post"):
        done = patch(model, tokens, OTHER, Site(f"blocks.1.{name}"), METRIC)
        assert_close(done.values[0], done.source, rtol=0, atol=1e-12)
        assert_close(done.normalized, torch.ones(1, dtype=torch.float64))


def test_noising_and_denoising_are_the_same_with_the_runs_exchanged(gpt2, tokens):
    cells = grid(gpt2, "z", "layer head")
    noised = noising(gpt2, tokens, OTHER, cells, METRIC)
    denoised = denoising(gpt2, OTHER, tokens, cells, METRIC)
    assert torch.equal(noised.values, denoised.values)
    mirrored = denoising(gpt2, tokens, OTHER, cells, METRIC)
    assert not torch.allclose(noised.normalized, mirrored.normalized)


def test_the_mean_is_normalised_not_each_sequence(gpt2, tokens):
    done = patch(gpt2, tokens, OTHER, grid(gpt2, "z", "layer head"), METRIC)
    each = (done.effect / (done.source - done.base)).mean(dim=-1)
    whole = done.effect.sum(dim=-1) / (done.source - done.base).sum()
    assert_close(done.normalized, whole)
    assert not torch.allclose(done.normalized, each)


def test_on_the_circuit_by_hand_the_effects_are_one_hot():
    """The prediction hangs on one token until head 0.0 has moved it, and then on the next place."""
    model = zoo.load("induction_by_hand")
    clean = torch.tensor([[0, 5, 9, 3, 7, 5]])  # after the second 5 comes 9
    corrupted = torch.tensor([[0, 5, 2, 3, 7, 5]])
    metric = logit_difference(9, 2)
    stream = grid(model, "resid_pre", "layer pos", n_pos=6)
    one_hot = torch.zeros(2, 6, dtype=torch.float64)
    one_hot[:, 2] = 1
    for run in (noising, denoising):
        done = run(model, clean, corrupted, stream, metric)
        assert_close(done.normalized, one_hot, rtol=0, atol=1e-6)
    heads = denoising(model, clean, corrupted, grid(model, "z", "layer head pos", n_pos=6), metric)
    expected = torch.zeros(2, 1, 6, dtype=torch.float64)
    expected[1, 0, 5] = 1  # head 1.0 where the prediction is made
    assert_close(heads.normalized, expected, rtol=0, atol=1e-6)


def test_where_the_previous_token_differs_it_is_carried_by_head_0_0():
    model = zoo.load("induction_by_hand")
    clean = torch.tensor([[0, 4, 9, 8, 2, 4]])  # the first 4 is followed by 9
    corrupted = torch.tensor([[0, 8, 9, 4, 2, 4]])  # and here by 2
    heads = denoising(
        model, clean, corrupted, grid(model, "z", "layer head pos", n_pos=6), logit_difference(9, 2)
    )
    both = torch.zeros(6, dtype=torch.float64)
    both[[2, 4]] = 0.5  # the 4 shown before 9, and no longer before 2: half of it each
    assert_close(heads.normalized[0, 0], both, rtol=0, atol=1e-6)
    assert heads.normalized[1, 0].argmax() == 5


def test_one_input_answers_for_an_or_and_two_for_an_and():
    """Noising an OR does nothing, denoising does all; an AND is the other way round."""
    model = make("bare_with_mlp", n_layers=1)
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        model.get_parameter("embed.W_E")[1, 0] = 1.0
        model.get_parameter("pos_embed.W_pos").zero_()
        attention = model.blocks[0].attn
        attention.W_V[:2, 0, 0], attention.W_O[:2, 0, 1] = 1.0, 1.0  # two heads copy the same
    clean, corrupted = torch.tensor([[1, 1]]), torch.tensor([[2, 2]])
    heads = grid(model, "z", "head layer")
    mlp = model.blocks[0].mlp
    for threshold, gain, noised, denoised in ((0.0, -1.0, 0.0, 1.0), (1.0, 0.0, 1.0, 0.0)):
        with torch.no_grad():
            # The first neuron is relu(sum - threshold), the second takes off what exceeds 1.
            mlp.act_fn = torch.relu
            mlp.W_in.zero_(), mlp.b_in.zero_(), mlp.W_out.zero_()
            mlp.W_in[1, :2] = 1.0
            mlp.b_in[0], mlp.b_in[1] = -threshold, -1.0
            mlp.W_out[0, 2], mlp.W_out[1, 2] = 1.0, gain
            model.get_parameter("unembed.W_U")[2, 3] = 1.0
        metric = logit_difference(3, 4)
        assert_close(
            noising(model, clean, corrupted, heads, metric).normalized[:2, 0],
            torch.full((2,), noised, dtype=torch.float64),
        )
        assert_close(
            denoising(model, clean, corrupted, heads, metric).normalized[:2, 0],
            torch.full((2,), denoised, dtype=torch.float64),
        )


def test_nothing_is_left_behind(gpt2, tokens):
    weights = {name: value.clone() for name, value in gpt2.state_dict().items()}
    given, state = (tokens.clone(), OTHER.clone()), torch.get_rng_state()
    before = gpt2(tokens)
    done = patch(gpt2, tokens, OTHER, grid(gpt2, "z", "layer head"), METRIC)
    assert torch.equal(gpt2(tokens), before)
    assert torch.is_grad_enabled()
    assert not done.values.requires_grad
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(tokens, given[0])
    assert torch.equal(OTHER, given[1])
    assert all(torch.equal(weights[name], value) for name, value in gpt2.state_dict().items())
    assert not any(point.is_used() for point in gpt2._points.values())


def test_a_frozen_pattern_keeps_attention_as_it_was(gpt2, tokens):
    sites = [Site("blocks.0.hook_resid_pre", pos=1)]
    free, held = (
        patch(gpt2, tokens, OTHER, sites, METRIC, frozen=frozen)
        for frozen in (None, lambda name: name.endswith("hook_pattern"))
    )
    base, source = (gpt2.run_with_cache(given)[1] for given in (tokens, OTHER))
    kept = [(f"blocks.{i}.attn.hook_pattern", lambda _, hook: base[hook.name]) for i in range(2)]

    def write(activation, hook):
        activation[:, 1] = source[hook.name][:, 1]

    expected = METRIC(gpt2.run_with_hooks(tokens, fwd_hooks=[*kept, (sites[0].hook, write)]))
    assert_close(held.values[0], expected, rtol=0, atol=1e-12)
    assert not torch.allclose(free.values, held.values)


def test_an_interval_is_of_one_site_over_the_sequences(gpt2):
    generator = torch.Generator().manual_seed(0)
    base, source = torch.randint(11, (2, 20, 5), generator=generator)
    done = patch(gpt2, base, source, grid(gpt2, "z", "layer head"), logit_difference(3, 5))
    interval = done.interval(1, 2)
    assert interval.n == 20
    assert interval.low < interval.mean < interval.high
    assert interval.mean == pytest.approx(float(done.mean[1, 2]))


def test_float32_stays_float32(tokens):
    model = make("gpt2", dtype="float32")
    assert patch(model, tokens, OTHER, [Site("hook_embed")], METRIC).values.dtype == torch.float32


def test_what_cannot_be_patched_is_refused(gpt2, tokens):
    site = Site("blocks.0.hook_resid_pre", pos=1)
    with pytest.raises(ValueError, match=r"(?s)\(2, 5\) and \(2, 4\).*same length"):
        patch(gpt2, tokens, OTHER[:, :4], site, METRIC)
    with pytest.raises(ValueError, match="No sites"):
        patch(gpt2, tokens, OTHER, [], METRIC)
    with pytest.raises(UnknownHookError, match="Did you mean"):
        patch(gpt2, tokens, OTHER, Site("blocks.0.hook_resid_per"), METRIC)
    with pytest.raises(ValueError, match="pos=7"):
        patch(gpt2, tokens, OTHER, Site("blocks.0.hook_resid_pre", pos=7), METRIC)
    with pytest.raises(ValueError, match="rows=0"):
        patch(gpt2, tokens, OTHER, site, METRIC, rows=0)
    with pytest.raises(ValueError, match="something in it"):
        patch(gpt2, tokens[:0], OTHER[:0], site, METRIC)
    with pytest.raises(ValueError, match="tokens from 4 to 11"):
        patch(gpt2, tokens, OTHER.clamp(min=4).index_fill(1, torch.tensor([0]), 11), site, METRIC)
    with pytest.raises(ValueError, match="no part of no difference"):
        _ = patch(gpt2, tokens, tokens, site, METRIC).normalized
