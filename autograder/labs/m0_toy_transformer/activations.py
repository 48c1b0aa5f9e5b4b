"""Looking inside a running model: reading, taking the stream apart, editing."""

from __future__ import annotations

import torch

from autograder.draw import Draw
from autograder.labs.m0_toy_transformer.models import PLACES, draw_prompt, in_turn
from autograder.spec import Exercise, Misconception


def draw_layer(draw: Draw) -> dict:
    n_layers, layer = in_turn(draw, *PLACES)
    return {**draw_prompt(draw, n_layers), "layer": layer}


def draw_depth(draw: Draw) -> dict:
    """Draw a model of another depth than the notebook's, and of more than one layer.

    With one layer, listing the parts by kind would be right.
    """
    return draw_prompt(draw, in_turn(draw, 2, 4, 5))


def read(model, tokens, name):
    return model.run_with_cache(tokens, names=name)[1][name]


def before_the_block(model, tokens, layer):
    return read(model, tokens, f"blocks.{layer}.hook_resid_pre")


def between_the_halves(model, tokens, layer):
    return read(model, tokens, f"blocks.{layer}.hook_resid_mid")


def only_the_mlp(model, tokens, layer):
    return read(model, tokens, f"blocks.{layer}.hook_mlp_out")


def only_the_attention(model, tokens, layer):
    return read(model, tokens, f"blocks.{layer}.hook_attn_out")


def only_what_the_block_adds(model, tokens, layer):
    return only_the_attention(model, tokens, layer) + only_the_mlp(model, tokens, layer)


def one_block_late(model, tokens, layer):
    """Read after the next block; after the last one, what the final LayerNorm makes of it."""
    if layer + 1 == model.cfg.n_layers:
        return read(model, tokens, "ln_final.hook_normalized")
    return read(model, tokens, f"blocks.{layer + 1}.hook_resid_post")


def ignores_layer(model, tokens, layer):
    """Read the last layer; where that is right, the first, so that this loses on every case."""
    last = model.cfg.n_layers - 1
    return read(model, tokens, f"blocks.{0 if layer == last else last}.hook_resid_post")


READ_ACTIVATION = Exercise(
    name="read_activation",
    title="Read an activation",
    claim="What the residual stream holds after a block can be read by its name, without changing "
    "the model.",
    objective="Run a model with a cache and read one activation from it.",
    points=1,
    minutes=6,
    difficulty=1,
    axes="batch pos d_model",
    case=draw_layer,
    misconceptions=(
        Misconception(
            "before_the_block",
            "reads the stream before the block, or after the one before it.",
            "The stream that enters a block is `pre`. What is the one called that leaves it? "
            "And layers count from 0.",
            before_the_block,
        ),
        Misconception(
            "one_block_late",
            "reads the stream one block too late.",
            "Layers count from 0. How many blocks has the stream passed after block 0?",
            one_block_late,
        ),
        Misconception(
            "between_the_halves",
            "reads the stream between attention and MLP.",
            "A block adds twice. Has the MLP already added its part where you read?",
            between_the_halves,
        ),
        Misconception(
            "only_the_mlp",
            "reads what the MLP adds, not the stream to which it is added.",
            "`attn_out` and `mlp_out` are contributions. Which names are the stream itself?",
            only_the_mlp,
        ),
        Misconception(
            "only_the_attention",
            "reads what attention adds, not the stream to which it is added.",
            "`attn_out` and `mlp_out` are contributions. Which names are the stream itself?",
            only_the_attention,
        ),
        Misconception(
            "only_what_the_block_adds",
            "returns what the block adds, not the stream to which it is added.",
            "Does your result still contain the embedding of the token?",
            only_what_the_block_adds,
        ),
        Misconception(
            "ignores_layer",
            "reads the same layer whatever `layer` is.",
            "Where does your code use `layer`? In a cache, -1 counts from the end.",
            ignores_layer,
        ),
    ),
    hints=(
        "In the diagram above, find the place just after the second (+), and its name.",
        "`run_with_cache` returns two things; you want the second, and from it one entry whose "
        "name contains the number of the layer.",
        'The name is `f"blocks.{layer}.hook_..."`: index the cache with it.',
    ),
)


def contributions(model, tokens):
    """Return embed and pos_embed, and the lists of attention's and the MLPs' contributions."""
    _, cache = model.run_with_cache(tokens)
    layers = range(model.cfg.n_layers)
    return (
        [cache["hook_embed"], cache["hook_pos_embed"]],
        [cache[f"blocks.{layer}.hook_attn_out"] for layer in layers],
        [cache[f"blocks.{layer}.hook_mlp_out"] for layer in layers],
    )


def interleave(first, second):
    return [part for pair in zip(first, second, strict=True) for part in pair]


def cumulative_stream(model, tokens):
    embeds, attn, mlp = contributions(model, tokens)
    return torch.stack([*embeds, *interleave(attn, mlp)]).cumsum(dim=0)


def stream_at_each_stop(model, tokens):
    embeds, attn, mlp = contributions(model, tokens)
    stops = torch.stack([*embeds, *interleave(attn, mlp)]).cumsum(dim=0)
    return torch.stack([*embeds, *stops[2:]])


def mlp_before_attention(model, tokens):
    embeds, attn, mlp = contributions(model, tokens)
    return torch.stack([*embeds, *interleave(mlp, attn)])


def groups_by_kind(model, tokens):
    embeds, attn, mlp = contributions(model, tokens)
    return torch.stack([*embeds, *attn, *mlp])


def forgets_positions(model, tokens):
    embeds, attn, mlp = contributions(model, tokens)
    return torch.stack([embeds[0], *interleave(attn, mlp)])


def forgets_the_embeddings(model, tokens):
    _, attn, mlp = contributions(model, tokens)
    return torch.stack(interleave(attn, mlp))


def positions_first(model, tokens):
    embeds, attn, mlp = contributions(model, tokens)
    return torch.stack([embeds[1], embeds[0], *interleave(attn, mlp)])


def merges_the_embeddings(model, tokens):
    embeds, attn, mlp = contributions(model, tokens)
    return torch.stack([embeds[0] + embeds[1], *interleave(attn, mlp)])


def forgets_the_mlps(model, tokens):
    embeds, attn, _ = contributions(model, tokens)
    return torch.stack([*embeds, *attn])


def attention_without_bias(model, tokens):
    embeds, attn, mlp = contributions(model, tokens)
    attn = [part - block.attn.b_O for part, block in zip(attn, model.blocks, strict=True)]
    return torch.stack([*embeds, *interleave(attn, mlp)])


def after_the_final_norm(model, tokens):
    embeds, attn, mlp = contributions(model, tokens)
    scale = read(model, tokens, "ln_final.hook_scale")
    return torch.stack([*embeds, *interleave(attn, mlp)]) / scale


RESIDUAL_PARTS = Exercise(
    name="residual_parts",
    title="The residual stream as a sum of parts",
    claim="The final residual stream is exactly the sum of what the embeddings and each layer "
    "wrote into it.",
    objective="Take the residual stream apart into the contributions of the model's parts.",
    points=2,
    minutes=10,
    difficulty=2,
    axes="part batch pos d_model",
    case=draw_depth,
    misconceptions=(
        Misconception(
            "cumulative_stream",
            "returns the stream after each part, not what each part adds.",
            "Add up your parts. Why is the sum larger than the final stream?",
            cumulative_stream,
        ),
        Misconception(
            "stream_at_each_stop",
            "starts with the two embeddings and goes on with the stream itself.",
            "`resid_mid` and `resid_post` are stops. What was added between two stops?",
            stream_at_each_stop,
        ),
        Misconception(
            "mlp_before_attention",
            "puts each MLP before the attention of its layer.",
            "In one block, which of the two writes first?",
            mlp_before_attention,
        ),
        Misconception(
            "groups_by_kind",
            "lists all attention layers first and all MLPs after them.",
            "The parts are asked for in the order in which the model writes them.",
            groups_by_kind,
        ),
        Misconception(
            "forgets_positions",
            "leaves out the position embedding.",
            "What does the stream hold before the first block, besides the token's embedding?",
            forgets_positions,
        ),
        Misconception(
            "positions_first",
            "puts the position embedding before the token embedding.",
            "Which of the two does the text name first?",
            positions_first,
        ),
        Misconception(
            "forgets_the_embeddings",
            "leaves out both embeddings.",
            "What does the stream hold before the first block?",
            forgets_the_embeddings,
        ),
        Misconception(
            "merges_the_embeddings",
            "starts with the sum of the two embeddings as one part.",
            "How many parts does a model of one layer have? Two for the layer, and ...",
            merges_the_embeddings,
        ),
        Misconception(
            "forgets_the_mlps",
            "leaves out the MLPs.",
            "Subtract your sum from the final stream. Which layers wrote what is left?",
            forgets_the_mlps,
        ),
        Misconception(
            "attention_without_bias",
            "counts what the heads add but not the bias b_O.",
            "Subtract your sum from the final stream. Why is the rest the same at every position?",
            attention_without_bias,
        ),
        Misconception(
            "after_the_final_norm",
            "divides the parts by the scale of the final LayerNorm.",
            "The final LayerNorm comes after the last block. Is it part of the stream?",
            after_the_final_norm,
        ),
    ),
    hints=(
        "Follow the diagram from left to right and write down every line that meets a (+). "
        "Before block 0 there are the two embeddings.",
        "`attn_out` and `mlp_out` are contributions. Make a list of the two embeddings, go on "
        "with a loop over the layers of the model you are given, and stack the list.",
        "`parts = [cache['hook_embed'], ...]`; for each layer append `hook_attn_out`, then "
        "`hook_mlp_out`; `torch.stack(parts)`.",
    ),
)
