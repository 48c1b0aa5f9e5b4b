"""A model put together around given weights is the one that is built and then loaded."""

import pytest
import torch
from specimens import KINDS, make

from course import ToyTransformer
from course.assembly import with_weights


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_layers", [1, 3])
def test_it_equals_a_model_that_was_built_and_loaded(kind, n_layers):
    cfg = make(kind, n_layers=n_layers).cfg
    weights = ToyTransformer.random(cfg, seed=1).state_dict()
    built, assembled = ToyTransformer(cfg), with_weights(cfg, weights)
    built.load_state_dict(weights)
    assert assembled.cfg == built.cfg
    assert list(assembled.state_dict()) == list(built.state_dict())
    assert structure(assembled) == structure(built)
    tokens = torch.randint(cfg.d_vocab, (2, cfg.n_ctx))
    _, ours = assembled.run_with_cache(tokens, names=lambda name: True)
    _, theirs = built.run_with_cache(tokens, names=lambda name: True)
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def structure(model):
    """Return every module's place, class and plain attributes."""
    plain = (str, bool, int, float, type(None))
    return {
        path: (type(module), {k: v for k, v in vars(module).items() if isinstance(v, plain)})
        for path, module in model.named_modules()
    }


def test_its_blocks_and_its_weights_are_its_own():
    cfg = make("gpt2", n_layers=3).cfg
    weights = ToyTransformer.random(cfg).state_dict()
    model = with_weights(cfg, weights)
    before = {name: weight.clone() for name, weight in weights.items()}
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1)
    assert all(torch.equal(weights[name], weight) for name, weight in before.items())
    assert all(torch.equal(model.get_parameter(name), before[name] + 1) for name in before)
    ids = [id(module) for module in model.modules()]
    assert len(ids) == len(set(ids))
    with model.hooks([("blocks.0.hook_attn_out", lambda value, hook: None)]):
        edits = [len(block.hook_attn_out.edits) for block in model.blocks]
    assert edits == [1, 0, 0]


def test_weights_of_another_model_are_refused():
    model = make("gpt2")
    weights = model.state_dict()
    name = "embed.W_E"
    with pytest.raises(ValueError, match=r"got nothing for embed\.W_E"):
        with_weights(model.cfg, {key: weights[key] for key in weights if key != name})
    with pytest.raises(ValueError, match=r"of shape \(2, 2\) for embed\.W_E"):
        with_weights(model.cfg, {**weights, name: torch.zeros(2, 2)})
    with pytest.raises(ValueError, match=r"got extra\.W, which"):
        with_weights(model.cfg, {**weights, "extra.W": torch.zeros(2)})
