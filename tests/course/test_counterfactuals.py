"""Counterfactual audits: swaps both ways, pairs, and inputs in which nothing was swapped."""

import pytest
import torch
from torch.testing import assert_close

from course.counterfactuals import flip_rate, is_changed, paired_gap, swap_tokens

TOKENS = torch.tensor([[1, 3, 5, 9], [2, 5, 5, 0], [7, 7, 8, 8]])


def test_a_swap_goes_both_ways_and_back():
    swapped = swap_tokens(TOKENS, {3: 5, 9: 1})
    assert swapped.tolist() == [[9, 5, 3, 1], [2, 3, 3, 0], [7, 7, 8, 8]]
    assert (swap_tokens(swapped, {3: 5, 9: 1}) == TOKENS).all()
    assert TOKENS[0, 0] == 1


def test_only_changed_inputs_count():
    changed = is_changed(TOKENS, swap_tokens(TOKENS, {3: 5}))
    assert changed.tolist() == [True, True, False]
    before, after = torch.tensor([0, 1, 1]), torch.tensor([1, 0, 1])
    assert flip_rate(before[changed], after[changed]).mean == 1.0
    assert flip_rate(before, after).mean == pytest.approx(2 / 3)


def test_pairing_takes_out_what_sentences_differ_in_anyway():
    generator = torch.Generator().manual_seed(0)
    before = 10 * torch.randn(50, generator=generator)
    after = before + 0.3 + 0.01 * torch.randn(50, generator=generator)
    gap = paired_gap(before, after)
    assert gap.n == 50
    assert gap.low < 0.3 < gap.high
    assert gap.high - gap.low < 0.02
    assert_close(gap.mean, float((after.double() - before).mean()))


def test_a_gap_without_flips_and_flips_without_a_gap():
    before = torch.tensor([-3.0, 3.0, -1.0, 1.0])
    assert flip_rate(before > 0, before + 0.5 > 0).mean == 0
    assert paired_gap(before, before + 0.5).mean == 0.5
    assert flip_rate(before > 0, -before > 0).mean == 1
    assert paired_gap(before, -before).mean == 0


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: swap_tokens(TOKENS, {}), "one pair at least"),
        (lambda: swap_tokens(TOKENS, {3: 5, 5: 3}), "name it once"),
        (lambda: swap_tokens(TOKENS, {3: 3}), "one pair only"),
        (lambda: is_changed(TOKENS, TOKENS), "all 3 sequences unchanged"),
        (lambda: is_changed(TOKENS, TOKENS[:2]), "expected the same"),
        (lambda: paired_gap(torch.ones(3), torch.ones(2)), "\\(3,\\)"),
        (lambda: paired_gap(torch.ones(3), torch.ones(3) * torch.nan), "NaN"),
        (lambda: flip_rate(torch.ones(3), torch.ones(3)), "expected decisions"),
    ],
)
def test_bad_input(call, said):
    with pytest.raises(ValueError, match=said):
        call()
