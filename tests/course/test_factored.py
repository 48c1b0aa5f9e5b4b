"""A factored matrix answers as its product would."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from course import FactoredMatrix


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed + sum(shape))
    return torch.randn(shape, generator=generator, dtype=torch.float64)


@pytest.fixture
def thin() -> FactoredMatrix:
    return FactoredMatrix(draw(2, 3, 7, 4), draw(2, 3, 4, 5))


@pytest.fixture
def square() -> FactoredMatrix:
    return FactoredMatrix(draw(3, 6, 4), draw(3, 4, 6, seed=1))


def test_the_product_and_its_shape(thin):
    assert thin.shape == (2, 3, 7, 5)
    assert thin.ndim == 4
    assert_close(thin.AB, thin.A @ thin.B)


def test_the_transpose(thin):
    assert_close(thin.T.AB, thin.AB.mT)


@settings(max_examples=40, deadline=None)
@given(
    row=st.integers(1, 8), inner=st.integers(1, 8), column=st.integers(1, 8), seed=st.integers(0)
)
def test_the_svd_is_one_of_the_product(row, inner, column, seed):
    seed %= 2**31
    matrix = FactoredMatrix(draw(row, inner, seed=seed), draw(inner, column, seed=seed + 1))
    U, S, Vh = matrix.svd()
    rank = S.shape[-1]
    assert_close(U @ torch.diag(S) @ Vh, matrix.AB, rtol=1e-9, atol=1e-9)
    assert_close(U.T @ U, torch.eye(rank, dtype=torch.float64), rtol=1e-9, atol=1e-9)
    assert_close(Vh @ Vh.T, torch.eye(rank, dtype=torch.float64), rtol=1e-9, atol=1e-9)
    expected = torch.linalg.svdvals(matrix.AB)[:rank]
    assert_close(S[: len(expected)], expected, rtol=1e-9, atol=1e-9)
    assert_close(matrix.norm(), matrix.AB.norm(), rtol=1e-9, atol=1e-9)


def test_singular_vectors_one_by_one(thin):
    assert_close(thin.U @ torch.diag_embed(thin.S) @ thin.Vh, thin.AB)


def test_the_norm_keeps_the_leading_axes(thin):
    assert_close(thin.norm(), thin.AB.norm(dim=(-2, -1)))


def test_eigenvalues_are_those_of_the_product_that_are_not_zero(square):
    expected = torch.linalg.eigvals(square.AB)
    by_size = expected.abs().argsort(dim=-1, descending=True)
    largest = expected.gather(-1, by_size)[..., :4]
    assert square.eigenvalues.shape == (3, 4)
    for ours, theirs in zip(square.eigenvalues, largest, strict=True):
        distance = (ours[:, None] - theirs[None]).abs()
        assert distance.amin(dim=0).max() < 1e-9
        assert distance.amin(dim=1).max() < 1e-9


def test_ba_is_the_small_product(square):
    assert square.BA.shape == (3, 4, 4)
    assert_close(square.BA, square.B @ square.A)


@pytest.mark.parametrize("what", ["BA", "eigenvalues"])
def test_eigenvalues_need_a_square_matrix(thin, what):
    with pytest.raises(ValueError, match=r"\(2, 3, 7, 5\).*as many rows as columns"):
        getattr(thin, what)


@pytest.mark.parametrize("width", [2, 9])
def test_products_with_a_matrix_on_either_side(thin, width):
    right, left = draw(5, width), draw(width, 7)
    assert_close((thin @ right).AB, thin.AB @ right)
    assert_close((left @ thin).AB, left @ thin.AB)


def test_a_product_with_a_vector_is_a_vector(square):
    vector = draw(6)
    assert_close(square @ vector, square.AB @ vector)
    assert_close(vector @ square, vector @ square.AB)


def test_a_product_of_two_keeps_the_thinner_factors(square):
    thinner = FactoredMatrix(draw(6, 2), draw(2, 6, seed=1))
    product = square @ thinner
    assert_close(product.AB, square.AB @ thinner.AB)
    assert product.A.shape[-1] == 2
    assert (thinner @ square).A.shape[-1] == 2


def test_leading_axes_are_indexed(thin):
    assert_close(thin[1, 2].AB, thin.AB[1, 2])
    assert_close(thin[:, 0].AB, thin.AB[:, 0])
    assert_close(thin[..., 1].AB, thin.AB[:, 1])
    assert_close(thin[torch.tensor([1, 0]), torch.tensor([0, 2])].AB, thin.AB[[1, 0], [0, 2]])


@pytest.mark.parametrize("index", [(0, 0, 0), (5,), (slice(None), slice(None), 0)])
def test_rows_and_columns_are_not_indexed(thin, index):
    with pytest.raises(IndexError, match="2 leading axes"):
        thin[index]


def test_leading_axes_broadcast():
    matrix = FactoredMatrix(draw(3, 1, 6, 2), draw(4, 2, 5))
    assert matrix.shape == (3, 4, 6, 5)
    assert_close(matrix[2, 3].AB, matrix.AB[2, 3])


def test_the_corner(thin):
    assert_close(thin.get_corner(2), thin.AB[..., :2, :2])


def test_factors_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"\(6, 4\) and \(5, 6\).*\n.*\.mT"):
        FactoredMatrix(draw(6, 4), draw(5, 6))


def test_printing_multiplies_nothing(thin):
    assert repr(thin) == "FactoredMatrix(shape=(2, 3, 7, 5), inner=4)"
