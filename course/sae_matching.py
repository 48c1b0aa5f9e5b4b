"""Which latent is which: pair the directions of an SAE with true features, or with another SAE's.

Latents have no order, so two sets of directions are compared by the pairing that makes the cosines
largest in sum, each used once at most (the assignment problem; Kuhn 1955). Source: Sharkey,
Braun and Millidge (2022) against true features; Paulo and Belrose, "Sparse Autoencoders Trained on
the Same Data Learn Different Features" (2025) between seeds.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Matching:
    """The best pairing: `found[i]` goes with `truth[i]`, at `cosine[i]`.

    Attributes:
        found: (pair), rows of the first set of directions.
        truth: (pair), rows of the second, in ascending order.
        cosine: (pair), signed: a direction and its opposite do not match.
        n_truth: how many directions the second set has.

    """

    found: Int[Tensor, "pair"]
    truth: Int[Tensor, "pair"]
    cosine: Float[Tensor, "pair"]
    n_truth: int

    def share(self, threshold: float = 0.9) -> float:
        """Return the share of the second set that is matched above the threshold.

        A direction without a partner, because the first set is smaller, counts as not matched.
        """
        return float((self.cosine > threshold).sum()) / self.n_truth

    @property
    def mean_cosine(self) -> float:
        """The mean over the second set; a direction without a partner counts as 0."""
        return float(self.cosine.sum()) / self.n_truth


def match_directions(
    found: Float[Tensor, "latent d_in"], truth: Float[Tensor, "feature d_in"]
) -> Matching:
    """Pair each direction of one set with at most one of the other, for the largest cosines in sum.

    Args:
        found: such as `sae.W_dec`, of any length.
        truth: such as the true features' directions, or another SAE's `W_dec`.

    Raises:
        ValueError: for empty sets, sets of unequal width, NaN, or directions of length zero.

    """
    from scipy.optimize import linear_sum_assignment

    cosines = cosine_table(found, truth)
    rows, columns = linear_sum_assignment(cosines.cpu().numpy(), maximize=True)
    found_rows, truth_rows = torch.from_numpy(rows), torch.from_numpy(columns)
    order = truth_rows.argsort()
    found_rows, truth_rows = found_rows[order], truth_rows[order]
    return Matching(found_rows, truth_rows, cosines[found_rows, truth_rows], len(truth))


def cosine_table(
    found: Float[Tensor, "latent d_in"], truth: Float[Tensor, "feature d_in"]
) -> Float[Tensor, "latent feature"]:
    """Return the cosine of every direction of one set with every one of the other.

    Raises:
        ValueError: as for `match_directions`.

    """
    for name, given in (("found", found), ("truth", truth)):
        if given.ndim != 2 or not given.numel() or given.shape[-1] != found.shape[-1]:
            raise ValueError(
                f"The directions {name} have shape {tuple(given.shape)}; expected "
                "(direction d_in), with the same d_in in both sets.\n"
                "Directions are rows: `W_dec` has them so, `W_enc` needs .T."
            )
        lengths = given.norm(dim=-1)
        if not lengths.isfinite().all() or not (lengths > 0).all():
            raise ValueError(
                f"The directions {name} hold a row of length zero, or NaN; a cosine needs a length."
                f"\nFind it: {name}.norm(dim=-1)."
            )
    found, truth = found.detach(), truth.detach().to(found)
    return torch.nn.functional.normalize(found, dim=-1) @ torch.nn.functional.normalize(truth).T
