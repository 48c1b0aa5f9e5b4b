"""Control tasks: one label a type, and what a probe that memorises shows."""

import pytest
import torch

from course.control_tasks import control_labels, selectivity
from course.intervals import bootstrap


def test_one_label_for_each_type():
    tokens = torch.randint(30, (40, 5), generator=torch.Generator().manual_seed(0))
    labels = (tokens > 20).long() + 2
    control = control_labels(tokens, labels, seed=1)
    assert control.shape == tokens.shape
    for token in tokens.unique():
        assert control[tokens == token].unique().numel() == 1
    assert set(control.unique().tolist()) <= {2, 3}
    assert (control == control_labels(tokens, labels, seed=1)).all()
    assert (control != control_labels(tokens, labels, seed=2)).any()


def test_labels_are_as_frequent_as_in_the_task():
    tokens = torch.arange(4000)
    control = control_labels(tokens, (tokens % 10 == 0).long())
    assert abs(control.double().mean() - 0.1) < 0.02


def test_torchs_generator_is_left_alone():
    before = torch.get_rng_state()
    control_labels(torch.arange(5), torch.arange(5))
    assert (torch.get_rng_state() == before).all()


def test_selectivity_is_paired():
    right = torch.tensor([True, True, False, True])
    control = torch.tensor([True, False, False, False])
    found = selectivity(right, control)
    assert (found.mean, found.n) == (0.5, 4)
    assert found == bootstrap(torch.tensor([0.0, 1.0, 0.0, 1.0]))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: control_labels(torch.arange(4), torch.arange(3)), "a label for each token"),
        (lambda: control_labels(torch.arange(0), torch.arange(0)), "0 examples"),
        (lambda: selectivity(torch.ones(3), torch.ones(3)), "torch.bool"),
        (lambda: selectivity(torch.ones(3) > 0, torch.ones(2) > 0), "\\(3,\\)"),
    ],
)
def test_bad_input(call, said):
    with pytest.raises(ValueError, match=said):
        call()
