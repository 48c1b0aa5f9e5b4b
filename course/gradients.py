"""Gradients as attribution: what would happen to the output if an input moved a little.

The *gradient* is the slope at the input; its absolute value is the saliency map of Simonyan et al.,
"Deep Inside Convolutional Networks" (2014). *Gradient x input* multiplies it by the input
(Shrikumar et al., "Not Just a Black Box", 2016): exact where the function is linear without a
constant, and otherwise the extrapolation of a tangent. A unit that is saturated has slope 0 however
much it matters; `course.integrated_gradients` mends that.

Every function takes any `f` from (batch ...) to (batch), each row by itself. For a model that is
`of_embeddings(model, metric)` at `embed(model, tokens)` (`course.as_functions`): take the metric to
be a logit difference, not a loss or a probability, whose gradients vanish where the model is sure.
A number for each token is the sum over d_model of gradient x input, or the norm of the gradient.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from course.as_functions import Function


def gradient(f: Function, x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
    """Return the derivative of each row's value with respect to the row.

    A single input (...) may be given to an `f` that returns a single number.

    Raises:
        ValueError: for `x` that is not of finite floats, or `f` that does not return one number for
            each row or does not depend on what it is given.

    """
    return value_and_gradient(f, x)[1]


def saliency(f: Function, x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
    """Return the absolute value of the gradient: how much, not in which direction.

    Errors are those of `gradient`. Source: Simonyan et al. (2014).
    """
    return gradient(f, x).abs()


def gradient_x_input(f: Function, x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
    """Return the gradient times the input, with its sign.

    Errors are those of `gradient`. Source: Shrikumar et al. (2016).
    """
    return gradient(f, x) * x.detach()


def value_and_gradient(
    f: Function, x: Float[Tensor, "batch ..."]
) -> tuple[Float[Tensor, "batch"], Float[Tensor, "batch ..."]]:
    """Return what `f` says of each row, and the derivative with respect to the row.

    Errors are those of `gradient`.
    """
    if not x.is_floating_point() or not x.isfinite().all():
        raise ValueError(
            f"A gradient was asked for at x of shape {tuple(x.shape)}, {x.dtype}; expected finite "
            "floating-point numbers.\n"
            "Token ids have no gradient: embed(model, tokens) gives embeddings, which have."
        )
    # The caller may be in no_grad or in inference mode, where nothing is recorded.
    with torch.inference_mode(False), torch.enable_grad():
        point = x.detach().clone().requires_grad_()
        values = f(point)
        _check_values(values, x)
        (slope,) = torch.autograd.grad(values.sum(), point, allow_unused=True)
    if slope is None:
        raise ValueError(_UNRELATED)
    return values.detach(), slope


_UNRELATED = (
    "f returned numbers that do not depend on what it was given; expected a graph from x to f(x).\n"
    "It may detach, run under no_grad, or read the tokens rather than the embeddings it is given."
)


def _check_values(values: object, x: Tensor) -> None:
    """Raise ValueError unless there is a number with a graph for each row."""
    if not isinstance(values, Tensor) or values.shape not in (x.shape[:1], torch.Size()):
        what = f"shape {tuple(values.shape)}" if isinstance(values, Tensor) else repr(values)
        raise ValueError(
            f"f returned {what} for x of shape {tuple(x.shape)}; expected one number for each row, "
            f"({', '.join(map(str, x.shape[:1]))},).\n"
            "A map from logits to one number for each sequence is a metric (course.metrics)."
        )
    if not values.requires_grad:
        raise ValueError(_UNRELATED)
