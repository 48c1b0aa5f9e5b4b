"""A bar shows for work that is long, and not for what is short or when it is switched off."""

import pytest

from course import progress
from course.progress import bar


@pytest.mark.parametrize("patience", [0.0, 1.0])
@pytest.mark.parametrize("show", [True, False])
def test_every_item_comes_and_a_bar_only_when_it_is_wanted(patience, show, monkeypatch, capsys):
    monkeypatch.setattr(progress, "PATIENCE", patience - 1e-9)
    assert list(bar([3, 1, 2], "pass", show=show)) == [3, 1, 2]
    out, err = capsys.readouterr()
    assert out == ""
    assert ("3/3" in err) == (patience == 0 and show)


def test_nothing_to_do_is_no_work():
    assert list(bar([], "pass")) == []
