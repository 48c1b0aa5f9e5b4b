"""A hunt that uses what the course teaches: behaviour on short inputs, then ablations."""

from __future__ import annotations

import torch

from autograder.mystery import Truth
from course.zoo.mystery import D_VOCAB, FIRST_ORDINARY

FILLERS, LENGTH = 24, 8


@torch.no_grad()
def hunt(model, generator=None) -> Truth:
    """Find the trigger by how constant answers are, then the head and the neuron by ablation."""
    generator = generator or torch.Generator().manual_seed(0)
    token, operator, says = _trigger(model, generator)
    tokens = _inputs(FILLERS * 2, token, operator, generator)
    heads = _flips_left(model, tokens, says, "attn.hook_z", model.cfg.n_heads)
    neurons = _flips_left(model, tokens, says, "mlp.hook_post", model.cfg.d_mlp)
    return Truth(token, operator, says, min(heads, key=heads.get), min(neurons, key=neurons.get))


def _inputs(count, token, operator, generator):
    """Return random ordinary tokens after a BOS, the token among them, the operator last."""
    shape = (count, LENGTH + 1)
    tokens = torch.randint(FIRST_ORDINARY, D_VOCAB, shape, generator=generator)
    tokens[:, 0], tokens[:, -1] = 0, operator
    # Not where an operator looks: the first, and the last three.
    tokens[torch.arange(count), torch.arange(count) % (LENGTH - 4) + 2] = token
    return tokens


def _trigger(model, generator):
    """Return the token, the operator, and the answer that is nearly always given with both."""
    best = (0.0, 0, 0, 0)
    for operator in range(1, FIRST_ORDINARY):
        candidates = range(FIRST_ORDINARY, D_VOCAB)
        inputs = [_inputs(FILLERS, token, operator, generator) for token in candidates]
        said = model(torch.cat(inputs))[:, -1].argmax(dim=-1).view(-1, FILLERS)
        usual, _ = said.mode(dim=1)
        share = (said == usual[:, None]).double().mean(dim=1)
        place = int(share.argmax())
        best = max(best, (float(share[place]), candidates[place], operator, int(usual[place])))
    return best[1:]


def _flips_left(model, tokens, says, kind, parts):
    """Return how often the model still says it without each part: (layer, part) -> share."""
    left = {}
    for layer in range(model.cfg.n_layers):
        for part in range(parts):

            def remove(activation, hook, part=part):
                activation[:, :, part] = 0

            hooks = [(f"blocks.{layer}.{kind}", remove)]
            said = model.run_with_hooks(tokens, fwd_hooks=hooks)[:, -1].argmax(dim=-1)
            left[layer, part] = float((said == says).double().mean())
    return left
