"""Changing one activation, for one run only."""

from __future__ import annotations

import torch

from autograder.draw import Draw
from autograder.labs.m0_toy_transformer.models import PLACES, draw_prompt, in_turn
from autograder.spec import Exercise, Misconception


def draw_head(draw: Draw) -> dict:
    n_layers, layer = in_turn(draw, *PLACES)
    prompt = draw_prompt(draw, n_layers)
    head = in_turn(draw, *reversed(range(prompt["model"].cfg.n_heads)))  # seldom equal to `layer`
    return {**prompt, "layer": layer, "head": head}


def run_edited(model, tokens, name, index):
    """Return the logits of a run in which `activation[index]` is zero at the hook `name`."""

    def zero(activation, hook):
        activation = activation.clone()
        activation[index] = 0.0
        return activation

    return model.run_with_hooks(tokens, fwd_hooks=[(name, zero)])


EVERYTHING = slice(None)


def zero_head(model, tokens, layer, head):
    return run_edited(model, tokens, f"blocks.{layer}.attn.hook_z", (..., head, EVERYTHING))


def leaves_the_hook(model, tokens, layer, head):
    edited = zero_head(model, tokens, layer, head)
    return edited, edited.clone()


def loses_the_edit(model, tokens, layer, head):
    return model(tokens), model(tokens)


def swaps_the_order(model, tokens, layer, head):
    return model(tokens), zero_head(model, tokens, layer, head)


def all_heads(model, tokens, layer, head):
    edited = run_edited(model, tokens, f"blocks.{layer}.attn.hook_z", EVERYTHING)
    return edited, model(tokens)


def position_instead_of_head(model, tokens, layer, head):
    edited = run_edited(model, tokens, f"blocks.{layer}.attn.hook_z", (EVERYTHING, head))
    return edited, model(tokens)


def one_row_of_the_batch(model, tokens, layer, head):
    edited = run_edited(model, tokens, f"blocks.{layer}.attn.hook_z", (0, EVERYTHING, head))
    return edited, model(tokens)


def whole_attention_output(model, tokens, layer, head):
    edited = run_edited(model, tokens, f"blocks.{layer}.hook_attn_out", EVERYTHING)
    return edited, model(tokens)


def queries_instead_of_z(model, tokens, layer, head):
    edited = run_edited(model, tokens, f"blocks.{layer}.attn.hook_q", (..., head, EVERYTHING))
    return edited, model(tokens)


def every_layer(model, tokens, layer, head):
    def zero(z, hook):
        return z * (torch.arange(z.shape[-2]) != head)[:, None]

    edited = model.run_with_hooks(tokens, fwd_hooks=[(lambda name: name.endswith("hook_z"), zero)])
    return edited, model(tokens)


def ignores_head(model, tokens, layer, head):
    """Silence head 0; where that is right, the last one, so that this loses on every case."""
    other = model.cfg.n_heads - 1 if head == 0 else 0
    return zero_head(model, tokens, layer, other), model(tokens)


def ignores_layer(model, tokens, layer, head):
    """Edit layer 0; where that is right, the last one, so that this loses on every case."""
    other = model.cfg.n_layers - 1 if layer == 0 else 0
    return zero_head(model, tokens, other, head), model(tokens)


EDIT_ACTIVATION = Exercise(
    name="edit_activation",
    title="Edit an activation and leave nothing behind",
    claim="One head can be silenced for one run, and the next run of the same model is as if "
    "nothing had happened.",
    objective="Edit one head's output with a hook that is removed again.",
    points=2,
    minutes=12,
    difficulty=3,
    axes=("batch pos d_vocab", "batch pos d_vocab"),
    case=draw_head,
    misconceptions=(
        Misconception(
            "leaves_the_hook",
            "makes the second run while the edit is still in force.",
            "Compare your two results: they are equal. When does your edit end?",
            leaves_the_hook,
        ),
        Misconception(
            "loses_the_edit",
            "edits a copy that the model never sees.",
            "Compare your two results: they are equal. What does your hook function return?",
            loses_the_edit,
        ),
        Misconception(
            "swaps_the_order",
            "returns the plain logits first and the edited ones second.",
            "Read the names of the two results in the docstring, in order.",
            swaps_the_order,
        ),
        Misconception(
            "all_heads",
            "silences all heads of the layer.",
            "z has the axes batch, pos, head, d_head. Along which of them do you pick one index?",
            all_heads,
        ),
        Misconception(
            "position_instead_of_head",
            "zeroes the position with the head's number.",
            "z has the axes batch, pos, head, d_head. Which axis does your index stand on?",
            position_instead_of_head,
        ),
        Misconception(
            "one_row_of_the_batch",
            "edits the first prompt of the batch only.",
            "In which rows of the batch do your two results differ?",
            one_row_of_the_batch,
        ),
        Misconception(
            "whole_attention_output",
            "zeroes all that attention adds, its bias included.",
            "Where in the layer are the heads still apart from each other?",
            whole_attention_output,
        ),
        Misconception(
            "queries_instead_of_z",
            "zeroes the head's queries: it then looks everywhere alike, and still writes.",
            "A head without queries has equal scores. Does it then have no output?",
            queries_instead_of_z,
        ),
        Misconception(
            "every_layer",
            "silences the head with this number in every layer.",
            "How many hooks does your edit use? Print the name of each when it fires.",
            every_layer,
        ),
        Misconception(
            "ignores_head",
            "silences the same head whatever `head` is.",
            "Where does your code use `head`?",
            ignores_head,
        ),
        Misconception(
            "ignores_layer",
            "silences a head of the same layer whatever `layer` is.",
            "Where does your code use `layer`?",
            ignores_layer,
        ),
    ),
    hints=(
        "A hook function gets an activation and may return another in its place. Which activation "
        "holds the heads' outputs while they are still apart?",
        "Write a function that clones z, sets one index of the axis `head` to zero and returns the "
        "clone. `run_with_hooks` takes a list of (name, function) and removes them afterwards.",
        '`edited = model.run_with_hooks(tokens, fwd_hooks=[(f"blocks.{layer}.attn.hook_z", ...)])`,'
        " and then `model(tokens)`.",
    ),
)
