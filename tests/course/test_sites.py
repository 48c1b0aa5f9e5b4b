"""Sites name numbers of activations, and masks say which."""

import pytest
import torch

from course import UnknownHookError
from course.sites import Grid, Site, as_grid, edits, grid, masks


def test_a_grid_has_the_last_axis_fastest(gpt2):
    cells = grid(gpt2, "resid_pre", "layer pos", n_pos=3)
    assert (cells.axes, cells.shape) == (("layer", "pos"), (2, 3))
    assert cells.sites[1] == Site("blocks.0.hook_resid_pre", pos=1)
    assert cells.sites[3] == Site("blocks.1.hook_resid_pre", pos=0)


def test_axes_come_in_the_order_asked_for(gpt2):
    cells = grid(gpt2, "z", "head layer pos", n_pos=2)
    assert cells.shape == (3, 2, 2)
    assert cells.sites[4] == Site("blocks.0.attn.hook_z", head=1, pos=0)
    assert cells.sites[6] == Site("blocks.1.attn.hook_z", head=1, pos=0)


@pytest.mark.parametrize(
    ("name", "axes", "count"),
    [
        ("post", "layer unit", 2 * 10),
        ("z", "layer unit", 2 * 4),
        ("result", "layer unit", 2 * 6),
        ("pattern", "layer head pos unit", 2 * 3 * 5 * 5),
        ("hook_embed", "pos", 5),
        ("unembed.hook_out", "unit", 11),
    ],
)
def test_a_grid_covers_its_activation(gpt2, tokens, name, axes, count):
    cells = grid(gpt2, name, axes, n_pos=5)
    assert len(set(cells.sites)) == count
    hook = cells.sites[0].hook
    value = gpt2.run_with_cache(tokens, names=hook)[1][hook]
    here = [site for site in cells.sites if site.hook == hook]
    covered = masks(here, value.shape[1:]).sum(dim=0).expand(value.shape[1:])
    assert (covered == 1).all()


def test_masks_mark_what_is_meant():
    sites = [Site("blocks.0.attn.hook_z", pos=-1), Site("blocks.0.attn.hook_z", pos=1, head=2)]
    mask = masks(sites, (5, 3, 4))
    expected = torch.zeros(2, 5, 3, 1, dtype=torch.bool)
    expected[0, 4] = expected[1, 1, 2] = True
    assert torch.equal(mask, expected)


def test_in_a_pattern_the_position_is_the_querys():
    mask = masks([Site("blocks.0.attn.hook_pattern", pos=4, head=1, unit=2)], (3, 5, 5))
    assert mask.nonzero().tolist() == [[0, 1, 4, 2]]


def test_a_whole_activation_needs_no_axis():
    assert masks([Site("hook_embed")], (5, 6)).shape == (1, 1, 1)


def test_edits_write_to_all_sites_in_every_row(gpt2, tokens):
    sites = [Site("blocks.0.attn.hook_z", pos=1), Site("blocks.0.attn.hook_z", head=2)]
    with gpt2.hooks(edits(sites, {"blocks.0.attn.hook_z": torch.zeros((), dtype=torch.float64)})):
        z = gpt2.run_with_cache(tokens)[1]["z", 0]
    untouched = gpt2.run_with_cache(tokens)[1]["z", 0].clone()
    untouched[:, 1] = untouched[:, :, 2] = 0
    assert torch.equal(z, untouched)


@pytest.mark.parametrize(
    ("site", "says"),
    [
        (Site("blocks.0.attn.hook_z", pos=5), "5 along `pos`, numbered 0 to 4"),
        (Site("blocks.0.attn.hook_z", head=-4), "head=-4"),
        (Site("blocks.0.attn.hook_z", unit=4), "unit=4"),
    ],
)
def test_a_place_that_does_not_exist_is_refused(site, says):
    with pytest.raises(ValueError, match=says):
        masks([site], (5, 3, 4))


def test_the_stream_has_no_heads():
    with pytest.raises(ValueError, match="names a head"):
        masks([Site("blocks.0.hook_resid_pre", head=0)], (5, 6))


@pytest.mark.parametrize(
    ("name", "axes", "n_pos", "says"),
    [
        ("z", "layer heads", None, "expected some of layer, pos, head, unit"),
        ("resid_pre", "layer head", None, "expected some of layer, pos, unit,"),
        ("z", "layer layer", None, "each once"),
        ("z", "", None, "expected some"),
        ("z", "layer pos", None, "n_pos=None"),
        ("pattern", "layer unit", None, "needs n_pos"),
    ],
)
def test_axes_that_do_not_exist_are_refused(gpt2, name, axes, n_pos, says):
    with pytest.raises(ValueError, match=says):
        grid(gpt2, name if "layer" in axes else f"blocks.0.attn.hook_{name}", axes, n_pos=n_pos)


def test_unknown_hooks_and_no_sites_are_refused(gpt2):
    with pytest.raises(UnknownHookError, match="No hook fits"):
        grid(gpt2, "zz", "layer head")
    with pytest.raises(ValueError, match="No sites"):
        as_grid([])
    with pytest.raises(UnknownHookError, match="no value for it among other"):
        edits([Site("hook_embed")], {"other": torch.zeros(())})


def test_a_list_of_sites_is_a_grid_of_one_axis():
    assert as_grid(Site("hook_embed")) == Grid(("site",), (1,), (Site("hook_embed"),))
