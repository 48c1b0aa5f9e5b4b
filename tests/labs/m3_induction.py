"""Honest answers to `m3_induction` that look nothing like the reference, and must pass."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import numpy as np
import torch
from einops import einsum, rearrange


def previous_token_with_loops(pattern):
    batch, heads, pos, _ = pattern.shape
    scores = []
    for head in range(heads):
        entries = [
            pattern[row, head, query, query - 1].item()
            for row in range(batch)
            for query in range(1, pos)
        ]
        scores.append(sum(entries) / len(entries))
    return torch.tensor(scores)


def previous_token_by_index(pattern):
    queries = torch.arange(1, pattern.shape[-1])
    return pattern[:, :, queries, queries - 1].mean(dim=2).mean(dim=0)


def previous_token_in_double(pattern):
    shifted = torch.eye(pattern.shape[-1], dtype=torch.float64).roll(-1, dims=1)
    shifted[0] = 0
    total = einsum(pattern.double(), shifted, "batch head query key, query key -> head")
    return total / (pattern.shape[0] * (pattern.shape[-1] - 1))


def induction_with_loops(pattern, period):
    batch, heads = pattern.shape[:2]
    scores = torch.zeros(heads, dtype=pattern.dtype)
    for query in range(period + 1, 2 * period + 1):
        for row in range(batch):
            scores += pattern[row, :, query, query - (period - 1)] / (batch * period)
    return scores


def induction_with_numpy(pattern, period):
    stripes = np.stack(
        [
            np.diagonal(sequence, offset=-(period - 1), axis1=-2, axis2=-1)[..., 2:]
            for sequence in pattern.detach().double().numpy()
        ]
    )
    return torch.from_numpy(stripes.mean(axis=(0, 2)))


def induction_by_gathering(pattern, period):
    second = pattern[:, :, period + 1 :]
    keys = torch.arange(2, period + 2).reshape(1, 1, -1, 1)
    keys = keys.expand(*second.shape[:3], 1)
    return rearrange(second.gather(-1, keys), "b h q 1 -> h (b q)").mean(dim=1)


def find_one_head_at_a_time(model, tokens, period):
    names = [name for name in model.hook_names if name.endswith("hook_pattern")]
    _, cache = model.run_with_cache(tokens, names=names)
    found = {"induction": set(), "previous_token": set()}
    for layer, name in enumerate(names):
        for head in range(cache[name].shape[1]):
            pattern = cache[name][:, [head]]
            if previous_token_with_loops(pattern) > 0.5:
                found["previous_token"].add((layer, head))
            if induction_with_loops(pattern, period) > 0.5:
                found["induction"].add((layer, head))
    return found


def find_with_one_stack(model, tokens, period):
    with torch.no_grad():
        _, cache = copy.deepcopy(model).double().run_with_cache(tokens)
    layers = [cache["pattern", layer] for layer in range(model.cfg.n_layers)]
    previous = torch.stack([previous_token_by_index(pattern) for pattern in layers])
    induction = torch.stack([induction_by_gathering(pattern, period) for pattern in layers])
    return {
        "previous_token": {tuple(place) for place in (previous > 0.5).nonzero().tolist()},
        "induction": {tuple(place) for place in (induction > 0.5).nonzero().tolist()},
    }


def _loss_with_loops(model, tokens, period):
    with torch.no_grad():
        chances = model(tokens).softmax(dim=-1)
    losses = [
        -math.log(chances[row, query, tokens[row, query + 1]])
        for row in range(len(tokens))
        for query in range(period + 1, 2 * period)
    ]
    return sum(losses) / len(losses)


def ablate_in_double_with_loops(model, tokens, period):
    model = copy.deepcopy(model).double()
    intact = _loss_with_loops(model, tokens, period)
    rise = torch.zeros(model.cfg.n_layers, model.cfg.n_heads)
    for layer, row in enumerate(rise):
        for head in range(len(row)):

            def silence(z, hook, head=head):
                mask = torch.ones(z.shape[2], dtype=z.dtype)
                mask[head] = 0
                return z * mask[:, None]

            with model.hooks(fwd_hooks=[(f"blocks.{layer}.attn.hook_z", silence)]):
                row[head] = _loss_with_loops(model, tokens, period) - intact
    return rise


def ablate_by_weights(model, tokens, period):
    def loss(model):
        with torch.no_grad():
            log_chances = model(tokens).log_softmax(dim=-1)
        picked = log_chances[:, :-1].gather(-1, tokens[:, 1:, None])[..., 0]
        return -picked[:, period + 1 :].mean(dim=1).mean()

    def without(layer, head):
        damaged = copy.deepcopy(model)
        with torch.no_grad():
            damaged.blocks[layer].attn.W_O[head] = 0
        return damaged

    layers, heads = range(model.cfg.n_layers), range(model.cfg.n_heads)
    ablated = [[loss(without(layer, head)) for head in heads] for layer in layers]
    return torch.tensor(ablated) - loss(model)


def score_with_loops(logits, tokens, early, late):
    differences = []
    for row, sequence in zip(logits.tolist(), tokens.tolist(), strict=True):
        losses = {}
        for index in (early, late):
            largest = max(row[index - 1])
            normaliser = sum(math.exp(entry - largest) for entry in row[index - 1])
            losses[index] = largest + math.log(normaliser) - row[index - 1][sequence[index]]
        differences.append(losses[late] - losses[early])
    return sum(differences) / len(differences)


def score_in_double(logits, tokens, early, late):
    log_chances = logits.double().log_softmax(dim=-1)[:, :-1]
    losses = -log_chances.gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1)
    return (losses[:, late - 1] - losses[:, early - 1]).mean()


def accuracy_with_loops(model, tokens, period):
    def share(tokens):
        guesses = model(tokens).argmax(dim=-1).tolist()
        hits = total = 0
        for guess, sequence in zip(guesses, tokens.tolist(), strict=True):
            for index in range(len(sequence) - period + 1, len(sequence)):
                hits += guess[index - 1] == sequence[index]
                total += 1
        return hits / total

    return [share(tokens), share(tokens[:, 1:])]


def accuracy_from_the_end(model, tokens, period):
    def share(tokens):
        with torch.no_grad():
            guess = model(tokens).topk(1, dim=-1).indices[..., 0]
        return (guess[:, -period:-1] == tokens[:, -(period - 1) :]).float().mean()

    return share(tokens), share(tokens[:, 1:].clone())


def head_in_another_basis(token, previous, output, match):
    size = len(token)
    shear = torch.eye(size) + torch.ones(size, size).triu(1) / 2
    turn = torch.linalg.qr(torch.arange(1.0, size * size + 1).reshape(size, size).cos()).Q
    return {
        "W_Q": token.T @ shear,
        "W_K": match * math.sqrt(size) * previous.T @ torch.linalg.inv(shear).T,
        "W_V": token.T @ turn,
        "W_O": turn.T @ output,
    }


def head_with_loops(token, previous, output, match):
    size, width = token.shape
    W_Q, W_K, W_V = (torch.zeros(width, size, dtype=torch.float64) for _ in range(3))
    W_O = torch.zeros(size, width, dtype=torch.float64)
    gain = (match * size**0.5) ** 0.5
    for index in range(size):
        W_Q[:, index] = gain * token[index]
        W_K[:, index] = gain * previous[index]
        W_V[:, index] = token[index]
        W_O[index] = output[index]
    return {"W_O": W_O, "W_V": W_V, "W_K": W_K, "W_Q": W_Q}


ALTERNATIVES: dict[str, list[Callable]] = {
    "previous_token_score": [
        previous_token_with_loops,
        previous_token_by_index,
        previous_token_in_double,
    ],
    "induction_score": [induction_with_loops, induction_with_numpy, induction_by_gathering],
    "find_heads": [find_one_head_at_a_time, find_with_one_stack],
    "ablate_heads": [ablate_in_double_with_loops, ablate_by_weights],
    "in_context_learning_score": [score_with_loops, score_in_double],
    "bos_accuracy": [accuracy_with_loops, accuracy_from_the_end],
    "induction_head_weights": [head_in_another_basis, head_with_loops],
}
