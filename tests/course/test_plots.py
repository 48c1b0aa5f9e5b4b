"""The pictures: what is drawn, how it is labelled, and that drawing gives no warning."""

from __future__ import annotations

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.axes import Axes

from course import plots

TOKENS = ["BOS", " the", "cat", "$x$", "\n"]


@pytest.fixture(autouse=True)
def no_figure_left_by_the_library():
    plt.close("all")
    yield
    for number in plt.get_fignums():
        figure = plt.figure(number)
        figure.savefig(io.BytesIO(), dpi=40)  # drawing raises the warnings that layout may give
        plt.close(figure)
    assert plt.get_fignums() == []


def patterns(heads: int, pos: int) -> torch.Tensor:
    scores = torch.randn(heads, pos, pos, generator=torch.Generator().manual_seed(0))
    return scores.masked_fill(torch.ones(pos, pos).triu(1).bool(), -torch.inf).softmax(dim=-1)


def texts(axis) -> list[str]:
    return [label.get_text() for label in axis.get_ticklabels()]


def shown(ax: Axes) -> np.ndarray:
    """Return the values that a panel's image was made from."""
    return np.asarray(ax.images[0].get_array())


def test_attention_patterns_has_a_panel_for_each_head():
    pattern = patterns(6, 5)
    grid = plots.attention_patterns(pattern, TOKENS, columns=4, title="Layer 0")
    assert [ax.get_title() for ax in grid] == [f"head {head}" for head in range(6)]
    assert all(ax.get_xlabel() == "key" for ax in grid)
    assert [ax.get_ylabel() for ax in grid] == ["query", "", "", "", "query", ""]
    for ax, head in zip(grid, pattern, strict=True):
        np.testing.assert_allclose(shown(ax), head.numpy(), rtol=1e-6)
        assert ax.images[0].get_clim() == (0, 1)
    assert len(grid[0].figure.axes) == 6 + 1, "six panels and one colour bar"
    assert len(plt.get_fignums()) == 1


def test_attention_patterns_labels_tokens_without_reading_them_as_formulas():
    ax = plots.attention_patterns(patterns(1, 5)[0], TOKENS)[0]
    assert texts(ax.xaxis) == texts(ax.yaxis) == ["BOS", "␣the", "cat", r"\$x\$", r"\n"]


def test_attention_patterns_takes_one_sequence():
    with pytest.raises(ValueError, match=r"\(2, 3, 5, 5\).*pattern\[0\]"):
        plots.attention_patterns(torch.zeros(2, 3, 5, 5))
    with pytest.raises(ValueError, match="got 4 row labels, expected 5"):
        plots.attention_patterns(patterns(2, 5), TOKENS[:4])


def test_many_tokens_are_labelled_every_few():
    ax = plots.attention_patterns(patterns(4, 60), [f"t{i}" for i in range(60)])[0]
    shown = texts(ax.xaxis)
    assert 2 <= len(shown) < 30
    assert shown[0] == "t0"


def test_heat_map_has_labels_numbers_and_white_at_zero():
    matrix = torch.tensor([[1.0, -2.0, 0.0], [0.5, 0.25, -torch.inf]])
    ax = plots.heat_map(
        matrix, rows=["a", "b"], columns=["x", "y", "z"], row_axis="from", column_axis="to"
    )
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("from", "to")
    assert texts(ax.yaxis) == ["a", "b"]
    assert texts(ax.xaxis) == ["x", "y", "z"]
    image = ax.images[0]
    assert image.get_clim() == (-2, 2)
    assert min(image.to_rgba(np.zeros((1, 1)))[0, 0, :3]) > 0.95
    written = [text.get_text() for text in ax.texts]
    assert written == ["1.00", "-2.00", "0.00", "0.50", "0.25", "-inf"]


def test_heat_map_of_amounts_starts_at_zero_and_keeps_to_given_limits():
    assert plots.heat_map(torch.tensor([[1.0, 4.0]])).images[0].get_clim() == (0, 4)
    assert plots.heat_map(torch.tensor([[1.0]]), limits=(0, 10)).images[0].get_clim() == (0, 10)
    assert plots.heat_map(torch.zeros(2, 2)).images[0].get_clim() == (0, 1)


def test_heat_map_draws_where_it_is_told():
    figure, (left, right) = plt.subplots(1, 2, layout="constrained")
    assert plots.heat_map(torch.eye(3), ax=right) is right
    assert not left.images
    assert plt.get_fignums() == [figure.number]


def test_large_matrices_have_no_numbers():
    assert not plots.heat_map(torch.rand(40, 60)).texts


@pytest.mark.parametrize("shape", [(3,), (1, 2, 2), (0, 4)])
def test_heat_map_refuses_what_is_no_matrix(shape):
    with pytest.raises(ValueError, match="expected two axes"):
        plots.heat_map(torch.zeros(shape))


def test_side_by_side_shares_one_scale_and_shows_the_difference():
    yours = torch.tensor([[1.0, -torch.inf], [2.0, -3.0]])
    target = torch.tensor([[1.0, -torch.inf], [2.0, -4.0]])
    grid = plots.side_by_side(yours, target, row_axis="query", column_axis="key", title="scores")
    assert [ax.get_title() for ax in grid] == ["yours", "target", "yours - target"]
    assert [ax.get_xlabel() for ax in grid] == ["key"] * 3
    assert grid[0].get_ylabel() == "query"
    assert grid[0].images[0].get_clim() == grid[1].images[0].get_clim() == (-4, 4)
    np.testing.assert_array_equal(shown(grid[2]), [[0, 0], [0, 1]])
    assert grid[2].images[0].get_clim() == (-1, 1)


def test_side_by_side_of_equals_says_so():
    grid = plots.side_by_side(torch.eye(2), torch.eye(2))
    assert grid[2].get_title() == "no difference"


def test_side_by_side_never_broadcasts():
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(1, 3\)"):
        plots.side_by_side(torch.zeros(2, 3), torch.zeros(1, 3))


def test_residual_attribution_has_a_bar_for_each_part_from_the_top_down():
    values = torch.tensor([1.0, -0.5, 0.0], requires_grad=True)
    ax = plots.residual_attribution(["embed", "0.0", "0.1"], values)
    assert [bar.get_extents().width > 0 for bar in ax.patches] == [True, True, False]
    assert [text.get_text() for text in ax.texts] == ["1.00", "-0.50", "0.00"]
    assert texts(ax.yaxis) == ["embed", "0.0", "0.1"]
    assert ax.yaxis_inverted()
    assert ax.get_xlabel() == "contribution to the logit difference"
    assert ax.patches[0].get_facecolor() != ax.patches[1].get_facecolor()
    with pytest.raises(ValueError, match="got 2 part labels, expected 3"):
        plots.residual_attribution(["embed", "0.0"], values)
    with pytest.raises(ValueError, match=r"expected \(part,\)"):
        plots.residual_attribution(["embed"], values[None])


def test_loss_by_position_draws_mean_band_and_mark():
    losses = torch.tensor([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])
    ax = plots.loss_by_position({"with BOS": losses, "without": losses[0]}, mark={"again": 2})
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [2, 2, 2])
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), [1, 2, 3])
    assert len(ax.collections) == 1, "only the batch has a band"
    np.testing.assert_array_equal(ax.lines[2].get_xdata(), [2, 2])
    assert [text.get_text() for text in ax.texts] == ["again"]
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["with BOS (n=2)", "without"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("position", "loss (nats)")
    assert ax.get_ylim()[0] == 0
    assert all(tick == int(tick) for tick in ax.get_xticks()), "positions are whole numbers"


def test_loss_by_position_of_one_line_needs_no_legend():
    ax = plots.loss_by_position(torch.rand(5), mark=2, title="by position")
    assert ax.get_legend() is None
    assert ax.get_title() == "by position"
    with pytest.raises(ValueError, match=r"\(pos,\) or \(batch, pos\)"):
        plots.loss_by_position(torch.zeros(1, 2, 3))
