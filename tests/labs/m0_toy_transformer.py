"""Honest answers to `m0_toy_transformer` that look nothing like the reference, and must pass."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import torch
from torch.nn import functional


def read_with_a_hook(model, tokens, layer):
    seen = []
    name = f"blocks.{layer}.hook_resid_post"
    model.run_with_hooks(tokens, fwd_hooks=[(name, lambda stream, hook: seen.append(stream))])
    return seen[0]


def read_with_the_shorthand(model, tokens, layer):
    return model.run_with_cache(tokens)[1]["resid_post", layer]


def read_before_the_next_block(model, tokens, layer):
    _, cache = model.run_with_cache(tokens)
    if layer + 1 < model.cfg.n_layers:
        return cache[f"blocks.{layer + 1}.hook_resid_pre"]
    return cache[f"blocks.{layer}.hook_resid_mid"] + cache[f"blocks.{layer}.hook_mlp_out"]


def read_by_adding(model, tokens, layer):
    _, cache = model.run_with_cache(tokens)
    names = ("hook_resid_pre", "hook_attn_out", "hook_mlp_out")
    return sum(cache[f"blocks.{layer}.{name}"] for name in names)


def pattern_with_loops(q, k):
    batch, pos, heads, d_head = q.shape
    pattern = torch.zeros(batch, heads, pos, pos, dtype=q.dtype)
    for row in range(batch):
        for head in range(heads):
            for query in range(pos):
                scores = [
                    torch.dot(q[row, query, head], k[row, key, head]) / math.sqrt(d_head)
                    for key in range(query + 1)
                ]
                weights = torch.stack(scores).exp()
                pattern[row, head, query, : query + 1] = weights / weights.sum()
    return pattern


def pattern_with_a_large_number(q, k):
    scores = q.transpose(1, 2) @ k.permute(0, 2, 3, 1) * q.shape[-1] ** -0.5
    return torch.softmax(scores + torch.full(scores.shape[-2:], -1e9).triu(1), dim=-1)


def pattern_in_double(q, k):
    q, k = q.double(), k.double()
    scores = torch.einsum("bqhd,bkhd->bhqk", q / q.shape[-1] ** 0.25, k / k.shape[-1] ** 0.25)
    visible = torch.ones(scores.shape[-2:]).tril() > 0
    return torch.where(visible, scores, float("-inf")).softmax(-1)


def pattern_renormalised(q, k):
    weights = torch.einsum("bqhd,bkhd->bhqk", q, k).div(q.shape[-1] ** 0.5).softmax(-1).tril()
    return weights / weights.sum(dim=-1, keepdim=True)


def pattern_from_torch(q, k):
    """Let torch attend to one-hot values: what comes out is the pattern."""
    pos = q.shape[1]
    identity = torch.eye(pos, dtype=q.dtype).expand(q.shape[0], q.shape[2], pos, pos)
    return functional.scaled_dot_product_attention(
        q.transpose(1, 2), k.transpose(1, 2), identity, is_causal=True
    )


def output_with_loops(pattern, v, W_O, b_O):
    batch, heads, pos, _ = pattern.shape
    out = b_O.repeat(batch, pos, 1)
    for head in range(heads):
        for query in range(pos):
            for key in range(query + 1):
                weight = pattern[:, head, query, key, None]
                out[:, query] = out[:, query] + weight * (v[:, key, head] @ W_O[head])
    return out


def output_projected_first(pattern, v, W_O, b_O):
    written = torch.einsum("bkhd,hdm->bhkm", v, W_O)
    return (pattern @ written).sum(dim=1) + b_O


def output_concatenated(pattern, v, W_O, b_O):
    z = (pattern.double() @ v.double().transpose(1, 2)).transpose(1, 2).flatten(2)
    return functional.linear(z, W_O.double().flatten(0, 1).T, b_O.double())


def layer_norm_from_torch(x, w, b, eps):
    return functional.layer_norm(x, x.shape[-1:], w, b, eps)


def layer_norm_in_loops(x, w, b, eps):
    rows = []
    for row in x.flatten(0, 1):
        mean = row.sum() / len(row)
        variance = ((row - mean) ** 2).sum() / len(row)
        rows.append((row - mean) / math.sqrt(variance.item() + eps) * w + b)
    return torch.stack(rows).reshape(x.shape)


def layer_norm_with_rsqrt(x, w, b, eps):
    variance, mean = torch.var_mean(x, dim=-1, correction=0, keepdim=True)
    return torch.addcmul(b, (x - mean) * torch.rsqrt(variance + eps), w)


def layer_norm_in_double(x, w, b, eps):
    x = x.double()
    centred = x - x.mean(-1, keepdim=True)
    scale = (centred.norm(dim=-1, keepdim=True) ** 2 / x.shape[-1] + eps).sqrt()
    return w * (centred / scale) + b


def mlp_with_erf(x, W_in, b_in, W_out, b_out):
    pre = x @ W_in + b_in
    return (0.5 * pre * (1 + torch.erf(pre / math.sqrt(2)))) @ W_out + b_out


def mlp_with_loops(x, W_in, b_in, W_out, b_out):
    out = b_out.expand_as(x).clone()
    for neuron in range(len(b_in)):
        pre = (x * W_in[:, neuron]).sum(dim=-1) + b_in[neuron]
        fired = pre * torch.special.ndtr(pre)
        out = out + fired[..., None] * W_out[neuron]
    return out


def mlp_with_linear(x, W_in, b_in, W_out, b_out):
    hidden = torch.nn.GELU()(functional.linear(x.double(), W_in.double().T, b_in.double()))
    return functional.linear(hidden, W_out.double().T, b_out.double())


def parts_by_subtraction(model, tokens):
    _, cache = model.run_with_cache(tokens)
    stops = [cache["hook_embed"]]
    for layer in range(model.cfg.n_layers):
        names = ("hook_resid_pre", "hook_resid_mid", "hook_resid_post")[layer > 0 :]
        stops += [cache[f"blocks.{layer}.{name}"] for name in names]
    stops = torch.stack(stops)
    return torch.cat([stops[:1], stops[1:] - stops[:-1]])


def parts_written_into_a_tensor(model, tokens):
    _, cache = model.run_with_cache(tokens)
    parts = torch.empty(2 * model.cfg.n_layers + 2, *tokens.shape, model.cfg.d_model)
    parts[0] = model.W_E[tokens]
    parts[1] = model.W_pos[: tokens.shape[1]]
    for layer in range(model.cfg.n_layers):
        parts[2 * layer + 2] = cache["attn_out", layer]
        parts[2 * layer + 3] = cache["mlp_out", layer]
    return parts


def edit_by_multiplying(model, tokens, layer, head):
    keep = torch.ones(model.cfg.n_heads)
    keep[head] = 0

    def silence(z, hook):
        return z * keep.to(z.dtype)[:, None]

    before = model(tokens)
    with model.hooks(fwd_hooks=[(f"blocks.{layer}.attn.hook_z", silence)]):
        edited = model(tokens)
    return before, edited, model(tokens)


def edit_in_place(model, tokens, layer, head):
    def silence(z, hook):
        z[:, :, head] = 0

    before = model(tokens)
    edited = model.run_with_hooks(tokens, fwd_hooks=[(f"blocks.{layer}.attn.hook_z", silence)])
    return before, edited, model(tokens)


def edit_the_pattern(model, tokens, layer, head):
    def blind(pattern, hook):
        pattern = pattern.clone()
        pattern[:, head] = 0
        return pattern

    name = f"blocks.{layer}.attn.hook_pattern"
    before = model(tokens)
    return before, model.run_with_hooks(tokens, fwd_hooks=[(name, blind)]), model(tokens)


def edit_a_copy_of_the_model(model, tokens, layer, head):
    other = copy.deepcopy(model)
    other.blocks[layer].attn.W_O.data[head] = 0
    return [model(tokens), other(tokens), model(tokens)]


def edit_with_torch(model, tokens, layer, head):
    def silence(module, inputs, z):
        z = z.clone()
        z[..., head, :] = 0
        return z

    before = model(tokens)
    handle = model.blocks[layer].attn.hook_z.register_forward_hook(silence)
    edited = model(tokens)
    handle.remove()
    return before, edited, model(tokens)


def difference_in_a_loop(logits, correct, wrong, last):
    rows = zip(logits, correct.tolist(), wrong.tolist(), last.tolist(), strict=True)
    return torch.stack([row[at, right] - row[at, other] for row, right, other, at in rows])


def difference_of_log_probabilities(logits, correct, wrong, last):
    rows = torch.arange(logits.shape[0])
    at_the_end = logits[rows, last].log_softmax(dim=-1)
    return at_the_end[rows, correct] - at_the_end[rows, wrong]


def difference_by_gathering(logits, correct, wrong, last):
    at = last[:, None, None].expand(-1, 1, logits.shape[-1])
    at_the_end = logits.double().gather(1, at).squeeze(1)
    pair = at_the_end.gather(1, torch.stack([correct, wrong], dim=1))
    return -pair.diff(dim=1).squeeze(1)


ALTERNATIVES: dict[str, list[Callable]] = {
    "read_activation": [
        read_with_a_hook,
        read_with_the_shorthand,
        read_before_the_next_block,
        read_by_adding,
    ],
    "attention_pattern": [
        pattern_with_loops,
        pattern_with_a_large_number,
        pattern_in_double,
        pattern_renormalised,
        pattern_from_torch,
    ],
    "attention_output": [output_with_loops, output_projected_first, output_concatenated],
    "layer_norm": [
        layer_norm_from_torch,
        layer_norm_in_loops,
        layer_norm_with_rsqrt,
        layer_norm_in_double,
    ],
    "mlp": [mlp_with_erf, mlp_with_loops, mlp_with_linear],
    "residual_parts": [parts_by_subtraction, parts_written_into_a_tensor],
    "edit_activation": [
        edit_by_multiplying,
        edit_in_place,
        edit_the_pattern,
        edit_a_copy_of_the_model,
        edit_with_torch,
    ],
    "logit_difference": [
        difference_in_a_loop,
        difference_of_log_probabilities,
        difference_by_gathering,
    ],
}
