"""Control tasks: how much of a probe's accuracy is the probe's own memory.

Give every token *type* a random label, the same wherever it occurs. There is nothing to read but
which token it is, so a probe that does well on it can memorise words, and would do so for any task
that goes by the word. *Selectivity* is the accuracy on the task minus that on the control (Hewitt &
Liang, "Designing and Interpreting Probes with Control Tasks", 2019). A label drawn afresh for each
occurrence would be no control: nothing could learn it.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from course._expect import expect_flags, expect_labels
from course.intervals import Interval, bootstrap


def control_labels(
    tokens: Int[Tensor, "..."], labels: Int[Tensor, "..."], *, seed: int = 0
) -> Int[Tensor, "..."]:
    """Return a random label for each token, the same for every occurrence of its type.

    The labels of the types are drawn from those of the task, as often as they occur there. Draw
    once for training and test examples together: the test is on types seen in training.

    Args:
        tokens: the tokens of the examples.
        labels: the task's labels of the same examples.
        seed: of the draw; torch's own generator is left alone.

    Raises:
        ValueError: for labels that are not one whole number for each token, or no tokens.

    """
    if tokens.shape != labels.shape:
        raise ValueError(
            f"control_labels was given tokens of shape {tuple(tokens.shape)} and labels of shape "
            f"{tuple(labels.shape)}; expected a label for each token."
        )
    expect_labels("control_labels", labels.flatten(), tokens.numel())
    types, which = tokens.unique(return_inverse=True)
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(labels.numel(), types.shape, generator=generator)
    return labels.flatten()[drawn.to(labels.device)][which]


def selectivity(
    is_correct: Bool[Tensor, "n"], is_control_correct: Bool[Tensor, "n"], *, seed: int = 0
) -> Interval:
    """Return the accuracy on the task minus that on the control, on the same test examples.

    Raises:
        ValueError: for anything but True or False for each of the same two or more examples.

    """
    expect_flags("selectivity", "is_correct", is_correct)
    expect_flags("selectivity", "is_control_correct", is_control_correct, len(is_correct))
    return bootstrap(is_correct.double() - is_control_correct.double(), seed=seed)
