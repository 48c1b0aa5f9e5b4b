"""LEACE: cross-covariance 0, the mean where it was, and no affine map that moves less."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from course.erasure import leace
from course.probes import classification_probe


def draw(n, d, k=3, seed=0):
    """Return correlated activations with a non-zero mean that tell k classes apart."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(k, (n,), generator=generator)
    mixing = torch.randn(d, d, generator=generator, dtype=torch.float64)
    x = torch.randn(n, d, generator=generator, dtype=torch.float64) @ mixing + 4
    return x + torch.randn(k, d, generator=generator, dtype=torch.float64)[labels], labels


def cross(x, labels):
    z = F.one_hot(labels).to(x)
    return (x - x.mean(0)).mT @ (z - z.mean(0)) / len(x)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_linear_trace_is_left(seed):
    x, labels = draw(200, 6, seed=seed)
    erased = leace(x, labels)(x)
    assert cross(x, labels).abs().max() > 0.05
    assert_close(cross(erased, labels), torch.zeros(6, 3, dtype=torch.float64), rtol=0, atol=1e-12)
    assert_close(erased.mean(0), x.mean(0))
    majority = labels.bincount().max() / len(labels)
    probe = classification_probe(erased, labels, 1e-6)
    assert probe.is_correct(erased, labels).double().mean() <= majority + 1e-12


@pytest.mark.parametrize("seed", [0, 1])
def test_it_moves_least(seed):
    x, labels = draw(300, 5, k=2, seed=seed)
    eraser = leace(x, labels)
    moved = (eraser(x) - x).pow(2).sum(1).mean()
    direction = cross(x, labels)[:, 0]
    unit = direction / direction.norm()
    for name, removal in {
        "the mean difference, without whitening": torch.outer(unit, unit),
        "everything": torch.eye(5, dtype=torch.float64),
    }.items():
        other = x - (x - x.mean(0)) @ removal
        assert cross(other, labels).abs().max() < 1e-12, name
        assert (other - x).pow(2).sum(1).mean() > moved * 1.01, name
    generator = torch.Generator().manual_seed(seed)
    for _ in range(20):  # removal + N with direction @ N = 0 erases as well
        nudge = 0.01 * torch.randn(5, 5, generator=generator, dtype=torch.float64)
        nudge -= torch.outer(unit, unit @ nudge)
        other = x - (x - x.mean(0)) @ (eraser.removal + nudge)
        assert cross(other, labels).abs().max() < 1e-12
        assert (other - x).pow(2).sum(1).mean() > moved


def test_a_projection_that_is_not_orthogonal():
    removal = leace(*draw(100, 6)).removal
    assert_close(removal @ removal, removal)
    assert (removal - removal.mT).abs().max() > 0.01
    assert torch.linalg.matrix_rank(removal) == 2  # three classes differ in two dimensions


def test_activations_that_lie_in_a_subspace():
    x, labels = draw(100, 6)
    x = torch.cat([x, x[:, :2] - x[:, 2:4], torch.ones(100, 1)], dim=1)
    erased = leace(x, labels)(x)
    assert cross(erased, labels).abs().max() < 1e-10
    assert_close(erased[:, 6:8], erased[:, :2] - erased[:, 2:4])
    assert_close(erased[:, 8], x[:, 8])


def test_a_concept_in_numbers():
    x, _ = draw(100, 6)
    concept = torch.stack([x[:, 0] + x[:, 1], x[:, 2] ** 2], dim=1)
    erased = leace(x, concept)(x)
    off = concept - concept.mean(0)
    assert ((erased - erased.mean(0)).mT @ off / 100).abs().max() < 1e-10
    one = leace(x, concept[:, 0])
    assert torch.linalg.matrix_rank(one.removal) == 1


def test_float32_stays_and_is_erased():
    x, labels = draw(200, 6)
    erased = leace(x.float(), labels)(x.float())
    assert erased.dtype == torch.float32
    assert cross(erased.double(), labels).abs().max() < 1e-5


def test_an_independent_concept_moves_nothing():
    x = torch.tensor([[1.0, 2.0], [1.0, 2.0], [3.0, 1.0], [3.0, 1.0]])
    eraser = leace(x, torch.tensor([0, 1, 0, 1]))
    assert (eraser.removal == 0).all()


def test_in_a_model(gpt2, tokens):
    name = "blocks.1.hook_resid_pre"
    stream = gpt2.run_with_cache(tokens, names=name)[1][name].detach()
    eraser = leace(stream.flatten(0, 1), tokens.flatten() % 2)
    with gpt2.hooks([(name, eraser.hook)]):
        seen = gpt2.run_with_cache(tokens, names=name)[1][name].detach()
    assert_close(seen, eraser(stream))
    assert cross(seen.flatten(0, 1), tokens.flatten() % 2).abs().max() < 1e-10


@pytest.mark.parametrize(
    ("x", "concept", "said"),
    [
        (torch.ones(4, 2), torch.tensor([0, 1, 0, 1]), "both to vary"),
        (torch.rand(4, 2), torch.tensor([1, 1, 1, 1]), "both to vary"),
        (torch.rand(4, 2), torch.tensor([0, 1, 0]), "4 examples"),
        (torch.rand(4, 2), torch.rand(3, 2), "4 rows"),
        (torch.rand(2, 4, 2), torch.tensor([0, 1]), "flatten"),
        (torch.rand(4, 2) / 0, torch.tensor([0, 1, 0, 1]), "NaN or infinite"),
    ],
)
def test_bad_input(x, concept, said):
    with pytest.raises(ValueError, match=said):
        leace(x, concept)
