"""A matrix kept as the product of two thin ones, such as a head's QK or OV circuit.

A head's OV circuit is d_model x d_model but of rank at most d_head, so its factors say all there is
to say, and cheaper: the singular values and eigenvalues of A B can be had from d_head x d_head
matrices. Lineage: `FactoredMatrix` of TransformerLens, after Elhage et al., "A Mathematical
Framework for Transformer Circuits" (2021).
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Complex, Float
from torch import Tensor


class FactoredMatrix:
    """The matrix `A @ B`, with any leading axes, never multiplied out unless asked for.

    Attributes:
        A: the left factor (... row inner).
        B: the right factor (... inner column).
        shape: the shape of the product.

    """

    def __init__(
        self, A: Float[Tensor, "... row inner"], B: Float[Tensor, "... inner column"]
    ) -> None:
        if A.ndim < 2 or B.ndim < 2 or A.shape[-1] != B.shape[-2]:
            raise ValueError(
                f"FactoredMatrix was given factors of shapes {tuple(A.shape)} and "
                f"{tuple(B.shape)}; expected (... row inner) and (... inner column) with the same "
                "inner size.\nOne of them may need .mT (W_K in W_Q @ W_K.mT does)."
            )
        leading = torch.broadcast_shapes(A.shape[:-2], B.shape[:-2])
        self.A = A.expand(*leading, *A.shape[-2:])
        self.B = B.expand(*leading, *B.shape[-2:])
        self.shape = torch.Size((*leading, A.shape[-2], B.shape[-1]))

    @property
    def ndim(self) -> int:
        """The number of axes of the product."""
        return len(self.shape)

    @property
    def AB(self) -> Float[Tensor, "... row column"]:
        """The product, multiplied out."""
        return self.A @ self.B

    @property
    def BA(self) -> Float[Tensor, "... inner inner"]:
        """The factors the other way round, a small matrix with the same non-zero eigenvalues."""
        self._require_square("BA")
        return self.B @ self.A

    @property
    def T(self) -> FactoredMatrix:
        """The transpose of the last two axes, still factored."""
        return FactoredMatrix(self.B.mT, self.A.mT)

    @property
    def U(self) -> Float[Tensor, "... row inner"]:
        """The left singular vectors, as columns."""
        return self.svd()[0]

    @property
    def S(self) -> Float[Tensor, "... inner"]:
        """The singular values, largest first."""
        return self.svd()[1]

    @property
    def Vh(self) -> Float[Tensor, "... inner column"]:
        """The right singular vectors, as rows, as `torch.linalg.svd` returns them."""
        return self.svd()[2]

    @property
    def eigenvalues(self) -> Complex[Tensor, "... inner"]:
        """The eigenvalues of the product that can differ from zero: those of the small `BA`."""
        return torch.linalg.eigvals(self.BA)

    def svd(
        self,
    ) -> tuple[
        Float[Tensor, "... row inner"],
        Float[Tensor, "... inner"],
        Float[Tensor, "... inner column"],
    ]:
        """Return the reduced SVD `(U, S, Vh)`, so that `U @ diag(S) @ Vh` is the product.

        The factors are reduced by QR first; what is left to decompose is inner x inner.
        """
        left, upper = torch.linalg.qr(self.A)
        right, lower = torch.linalg.qr(self.B.mT)
        U, S, Vh = torch.linalg.svd(upper @ lower.mT, full_matrices=False)
        return left @ U, S, Vh @ right.mT

    def norm(self) -> Float[Tensor, "..."]:
        """Return the Frobenius norm of the product."""
        upper, lower = torch.linalg.qr(self.A).R, torch.linalg.qr(self.B.mT).R
        return (upper @ lower.mT).norm(dim=(-2, -1))

    def get_corner(self, size: int = 3) -> Float[Tensor, "... size size"]:
        """Return the top left corner of the product, to look at."""
        return self.A[..., :size, :] @ self.B[..., :, :size]

    def __matmul__(self, other: FactoredMatrix | Tensor) -> Any:
        """Multiply on the right: by a matrix, keeping the thinner factors, or by a vector."""
        if isinstance(other, FactoredMatrix):
            middle = self.B @ other.A
            if middle.shape[-2] <= middle.shape[-1]:
                return FactoredMatrix(self.A, middle @ other.B)
            return FactoredMatrix(self.A @ middle, other.B)
        if other.ndim == 1:
            return (self.A @ (self.B @ other[:, None]))[..., 0]
        if self.A.shape[-1] <= other.shape[-1]:
            return FactoredMatrix(self.A, self.B @ other)
        return FactoredMatrix(self.AB, other)

    def __rmatmul__(self, other: Tensor) -> Any:
        """Multiply on the left: by a matrix, keeping the thinner factors, or by a vector."""
        if other.ndim == 1:
            return self.T @ other
        if self.A.shape[-1] <= other.shape[-2]:
            return FactoredMatrix(other @ self.A, self.B)
        return FactoredMatrix(other, self.AB)

    def __getitem__(self, index: Any) -> FactoredMatrix:
        """Choose from the leading axes: `model.OV[0, 3]` is head 3 of layer 0."""
        leading = self.shape[:-2]
        numbers = torch.arange(leading.numel(), device=self.A.device).view(leading)
        try:
            chosen = numbers[index]
        except IndexError as error:
            raise IndexError(
                f"FactoredMatrix of shape {tuple(self.shape)} was indexed with {index!r}; only "
                f"the {len(leading)} leading axes can be indexed.\n"
                "Use .AB[...] for entries of the product, .get_corner() for a look."
            ) from error
        A, B = (factor.reshape(-1, *factor.shape[-2:])[chosen] for factor in (self.A, self.B))
        return FactoredMatrix(A, B)

    def __repr__(self) -> str:
        return f"FactoredMatrix(shape={tuple(self.shape)}, inner={self.A.shape[-1]})"

    def _require_square(self, what: str) -> None:
        if self.shape[-1] != self.shape[-2]:
            raise ValueError(
                f"{what} of a FactoredMatrix of shape {tuple(self.shape)} was asked for; expected "
                "as many rows as columns.\nFor a matrix that is not square, look at svd()."
            )
