"""What is compared with both TransformerLens: activations, edits and circuits of the same model.

Each environment says which hooks it lacks or cannot edit, and how its numbers are to be ordered.
"""

import torch
from torch.testing import assert_close

TOLERANCE = {"rtol": 0.0, "atol": 1e-5}


def same(name):
    """Return the identity: most activations have their numbers in the same order in both."""
    return lambda x: x


def assert_activations_agree(model, theirs, tokens, without=(), order=same):
    """Compare logits and every hook but those whose names end like one of `without`.

    Scores of the future are minus infinity in one, and may be a very negative number in the other:
    scores are compared where both are finite.
    """
    names = shared(model, without)
    with torch.no_grad():
        logits, cache = model.run_with_cache(tokens, names=names)
        their_logits, their_cache = theirs.run_with_cache(tokens)
    assert_close(logits, their_logits, **TOLERANCE)
    for name in names:
        ours, other = order(name)(cache[name]), their_cache[name]
        if name.endswith("hook_attn_scores"):
            visible = ours.isfinite()
            ours, other = ours[visible], other[visible]
        assert_close(ours, other, **TOLERANCE, msg=lambda said, name=name: f"{name}: {said}")


def assert_edits_agree(model, theirs, tokens, without=(), order=same):
    """Compare the logits after an edit at every hook, which must change them."""
    plain, cache = model.run_with_cache(tokens, names=shared(model, without))
    for name, activation in cache.items():
        generator = torch.Generator().manual_seed(0)
        noise = torch.randn(activation.shape, generator=generator, dtype=activation.dtype)
        ours = edited(model, tokens, name, noise)
        other = edited(theirs, tokens, name, order(name)(noise))
        assert_close(ours, other, **TOLERANCE, msg=lambda said, name=name: f"{name}: {said}")
        assert (ours - plain).abs().max() > 1e-3, f"the edit of {name} should be seen"


def edited(model, tokens, name, noise):
    """Return the logits when an activation is halved and noise is added."""
    with torch.no_grad():
        return model.run_with_hooks(tokens, fwd_hooks=[(name, lambda x, hook: x / 2 + noise)])


def shared(model, without):
    """Return the hooks that both have."""
    names = model.hook_names + model.hook_names_on_demand
    return [name for name in names if not name.endswith(tuple(without))]


def assert_factored_matrices_agree(ours, theirs):
    """Compare product, transpose, norm, spectrum and corner.

    What depends on how a head orders its numbers (`BA`) is compared by its eigenvalues.
    """
    assert_close(ours.AB, theirs.AB, **TOLERANCE)
    assert_close(ours.T.AB, theirs.T.AB, **TOLERANCE)
    assert_close(ours.norm(), theirs.norm(), **TOLERANCE)
    assert_close(ours[1, 2].get_corner(), theirs[1, 2].get_corner(), **TOLERANCE)
    rank = ours.S.shape[-1]
    assert_close(ours.S, theirs.S[..., :rank], **TOLERANCE)
    assert_close(ours[1, 2].AB, theirs[1, 2].AB, **TOLERANCE)
    assert_close((ours @ ours.T).AB, (theirs @ theirs.T).AB, **TOLERANCE)
    magnitudes = [matrix.eigenvalues.abs().sort().values for matrix in (ours, theirs)]
    assert_close(*magnitudes, **TOLERANCE)
    assert_close(ours.eigenvalues.sum(-1), theirs.eigenvalues.sum(-1), **TOLERANCE)
