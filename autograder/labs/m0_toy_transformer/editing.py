"""Changing one activation, for one run only."""

from __future__ import annotations

import torch

from autograder.draw import Draw
from autograder.labs.m0_toy_transformer.models import PLACES, draw_prompt, in_turn
from autograder.spec import Exercise, Misconception


def draw_head(draw: Draw) -> dict:
    """Draw a head that is neither the first nor the last, and has another number than its layer."""
    n_layers, layer = in_turn(draw, *PLACES)
    prompt = draw_prompt(draw, n_layers, heads=(6, 7))
    between = range(prompt["model"].cfg.n_heads - 2, 0, -1)
    head = in_turn(draw, *(head for head in between if head != layer))
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


def between_plain_runs(model, tokens, edited):
    return model(tokens), edited, model(tokens)


def silenced(model, tokens, layer, index):
    """Return the three results when `z[index]` is zero in one layer."""
    edited = run_edited(model, tokens, f"blocks.{layer}.attn.hook_z", index)
    return between_plain_runs(model, tokens, edited)


def leaves_the_hook(model, tokens, layer, head):
    edited = zero_head(model, tokens, layer, head)
    return model(tokens), edited, edited.clone()


def loses_the_edit(model, tokens, layer, head):
    return between_plain_runs(model, tokens, model(tokens))


def edited_first(model, tokens, layer, head):
    return zero_head(model, tokens, layer, head), model(tokens), model(tokens)


def all_heads(model, tokens, layer, head):
    return silenced(model, tokens, layer, EVERYTHING)


def up_to_head(model, tokens, layer, head):
    return silenced(model, tokens, layer, (..., slice(head + 1), EVERYTHING))


def before_head(model, tokens, layer, head):
    return silenced(model, tokens, layer, (..., slice(head), EVERYTHING))


def from_head(model, tokens, layer, head):
    return silenced(model, tokens, layer, (..., slice(head, None), EVERYTHING))


def position_instead_of_head(model, tokens, layer, head):
    return silenced(model, tokens, layer, (EVERYTHING, head))


def one_row_of_the_batch(model, tokens, layer, head):
    return silenced(model, tokens, layer, (0, EVERYTHING, head))


def layer_for_head(model, tokens, layer, head):
    return silenced(model, tokens, layer, (..., layer, EVERYTHING))


def ignores_head(model, tokens, layer, head):
    return silenced(model, tokens, layer, (..., 0, EVERYTHING))


def ignores_layer(model, tokens, layer, head):
    return silenced(model, tokens, 0, (..., head, EVERYTHING))


def whole_attention_output(model, tokens, layer, head):
    edited = run_edited(model, tokens, f"blocks.{layer}.hook_attn_out", EVERYTHING)
    return between_plain_runs(model, tokens, edited)


def queries_instead_of_z(model, tokens, layer, head):
    edited = run_edited(model, tokens, f"blocks.{layer}.attn.hook_q", (..., head, EVERYTHING))
    return between_plain_runs(model, tokens, edited)


def every_layer(model, tokens, layer, head):
    def zero(z, hook):
        return z * (torch.arange(z.shape[-2]) != head)[:, None]

    edited = model.run_with_hooks(tokens, fwd_hooks=[(lambda name: name.endswith("hook_z"), zero)])
    return between_plain_runs(model, tokens, edited)


EDIT_ACTIVATION = Exercise(
    name="edit_activation",
    title="Edit an activation and leave nothing behind",
    claim="One head can be silenced for one run, and the next run of the same model is as if "
    "nothing had happened.",
    objective="Edit one head's output with a hook that is removed again.",
    points=2,
    minutes=12,
    difficulty=3,
    axes=("batch pos d_vocab",) * 3,
    case=draw_head,
    misconceptions=(
        Misconception(
            "leaves_the_hook",
            "makes the last run while the edit is still in force.",
            "Compare your second and third result: they are equal. When does your edit end?",
            leaves_the_hook,
        ),
        Misconception(
            "loses_the_edit",
            "edits a copy that the model never sees.",
            "Compare your three results: they are equal. What does your hook function return?",
            loses_the_edit,
        ),
        Misconception(
            "edited_first",
            "returns the edited logits first.",
            "Read the names of the three results in the docstring, in order.",
            edited_first,
        ),
        Misconception(
            "all_heads",
            "silences all heads of the layer.",
            "z has the axes batch, pos, head, d_head. Along which of them do you pick one index?",
            all_heads,
        ),
        Misconception(
            "up_to_head",
            "silences all heads up to this one.",
            "A colon takes a range. How do you pick a single index of the axis `head`?",
            up_to_head,
        ),
        Misconception(
            "before_head",
            "silences the heads before this one.",
            "A colon takes a range. How do you pick a single index of the axis `head`?",
            before_head,
        ),
        Misconception(
            "from_head",
            "silences this head and all after it.",
            "A colon takes a range. How do you pick a single index of the axis `head`?",
            from_head,
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
            "In which rows of the batch do your first two results differ?",
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
            "zeroes the head's queries or keys: it then looks everywhere alike, and still writes.",
            "A head without queries or keys has equal scores. Does it then have no output?",
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
            "layer_for_head",
            "silences the head with the number of the layer.",
            "Which of the two numbers picks the hook, and which the index in z?",
            layer_for_head,
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
        " with a plain `model(tokens)` before and after it.",
    ),
)
