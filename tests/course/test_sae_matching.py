"""Matching against brute force over all pairings, and what a greedy match gets wrong."""

from __future__ import annotations

import itertools

import pytest
import torch

from course.sae_matching import cosine_table, match_directions


def directions(n, width=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, width, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize(("n_found", "n_truth"), [(5, 5), (6, 4), (4, 6)])
@pytest.mark.parametrize("seed", range(3))
def test_equals_brute_force(n_found, n_truth, seed):
    found, truth = directions(n_found, seed=seed), directions(n_truth, seed=seed + 50)
    table = torch.nn.functional.cosine_similarity(found[:, None], truth[None], dim=-1)
    if n_found >= n_truth:
        ways = itertools.permutations(range(n_found), n_truth)
        best = max(sum(float(table[i, j]) for j, i in enumerate(way)) for way in ways)
    else:
        ways = itertools.permutations(range(n_truth), n_found)
        best = max(sum(float(table[i, j]) for i, j in enumerate(way)) for way in ways)
    matching = match_directions(found, truth)
    assert float(matching.cosine.sum()) == pytest.approx(best)
    torch.testing.assert_close(matching.cosine, table[matching.found, matching.truth])
    assert len(set(matching.found.tolist())) == len(matching.found) == min(n_found, n_truth)
    assert matching.truth.tolist() == sorted(matching.truth.tolist())


def test_finds_a_permutation_whatever_the_lengths():
    truth = directions(7)
    order = torch.tensor([3, 0, 6, 1, 5, 2, 4])
    found = (truth * torch.arange(1, 8)[:, None])[order]
    matching = match_directions(found, truth)
    assert torch.equal(order[matching.found], matching.truth)
    assert matching.share(0.999) == matching.mean_cosine == pytest.approx(1.0)


def test_each_latent_is_used_once():
    """Two features whose nearest latent is the same: the nearest would count it twice."""
    truth = torch.tensor([[1.0, 0.1], [1.0, -0.1]])
    found = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    matching = match_directions(found, truth)
    assert (cosine_table(found, truth).amax(dim=0) > 0.9).all()
    assert matching.share(0.9) == 0.5


def test_a_direction_and_its_opposite_do_not_match():
    truth = directions(1)
    assert match_directions(-truth, truth).cosine.item() == pytest.approx(-1.0)
    assert match_directions(-truth, truth).share(0.9) == 0.0


def test_features_without_a_latent_count():
    truth = directions(6)
    matching = match_directions(truth[:3], truth)
    assert matching.share() == 0.5
    assert matching.mean_cosine == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (directions(3, 5), "same d_in in both"),
        (torch.zeros(0, 4), "same d_in in both"),
        (torch.zeros(2, 4), "length zero"),
        (torch.full((2, 4), torch.nan), "or NaN"),
    ],
)
def test_what_has_no_direction_is_refused(found, says):
    with pytest.raises(ValueError, match=says):
        match_directions(found, directions(3, 4).to(found.dtype))
