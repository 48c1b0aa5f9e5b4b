"""A model's weights: how they are drawn, and how to look at those of all layers at once."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from course.factored import FactoredMatrix


def weight(*shape: int) -> nn.Parameter:
    """Return a parameter of zeros, to be filled by `draw_weights` when the model is complete."""
    return nn.Parameter(torch.zeros(shape))


@torch.no_grad()
def draw_weights(model: nn.Module, seed: int, *, spread: float, biases_too: bool = False) -> None:
    """Draw weights from a normal distribution; set biases to zero and gains to one, or draw them.

    Gains are those called `w`, biases those whose names begin with `b`. Numbers are drawn in
    float64 and then rounded, so that models that differ in dtype alone compute the same function.
    """
    generator = torch.Generator().manual_seed(seed)
    for path, parameter in model.named_parameters():
        name = path.rpartition(".")[2]
        noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        is_weight = name != "w" and not name.startswith("b")
        centre = 1.0 if name == "w" else 0.0
        parameter.copy_(centre + spread * noise if is_weight or biases_too else centre + 0 * noise)


def stacked(path: str, axes: str) -> property:
    """Return a property that stacks one weight of every block, layers first."""

    def stack(model: WeightsByName) -> Tensor:
        return torch.stack([block.get_parameter(path) for block in model.blocks])

    return property(stack, doc=f"`{path}` of every block: (layer {axes}).")


class WeightsByName(nn.Module):
    """TransformerLens's accessors: `W_E`, `W_Q` of every layer and head, `QK`, `OV` and so on.

    Those of a part that the model lacks, such as `W_in` without MLPs, raise AttributeError.
    """

    blocks: nn.ModuleList

    W_Q = stacked("attn.W_Q", "head d_model d_head")
    W_K = stacked("attn.W_K", "head d_model d_head")
    W_V = stacked("attn.W_V", "head d_model d_head")
    W_O = stacked("attn.W_O", "head d_head d_model")
    b_Q = stacked("attn.b_Q", "head d_head")
    b_K = stacked("attn.b_K", "head d_head")
    b_V = stacked("attn.b_V", "head d_head")
    b_O = stacked("attn.b_O", "d_model")
    W_in = stacked("mlp.W_in", "d_model d_mlp")
    b_in = stacked("mlp.b_in", "d_mlp")
    W_out = stacked("mlp.W_out", "d_mlp d_model")
    b_out = stacked("mlp.b_out", "d_model")

    @property
    def W_E(self) -> Float[Tensor, "d_vocab d_model"]:
        """The embedding."""
        return self.get_parameter("embed.W_E")

    @property
    def W_pos(self) -> Float[Tensor, "n_ctx d_model"]:
        """The learned positions."""
        return self.get_parameter("pos_embed.W_pos")

    @property
    def W_U(self) -> Float[Tensor, "d_model d_vocab"]:
        """The unembedding."""
        return self.get_parameter("unembed.W_U")

    @property
    def b_U(self) -> Float[Tensor, "d_vocab"]:
        """The bias of the logits."""
        return self.get_parameter("unembed.b_U")

    @property
    def QK(self) -> FactoredMatrix:
        """`W_Q @ W_K.mT` of every layer and head: what a query position looks for in a key's."""
        return FactoredMatrix(self.W_Q, self.W_K.mT)

    @property
    def OV(self) -> FactoredMatrix:
        """`W_V @ W_O` of every layer and head: what a head writes about what it attends to."""
        return FactoredMatrix(self.W_V, self.W_O)
