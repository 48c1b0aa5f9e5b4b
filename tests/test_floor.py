"""A test that nobody collects proves nothing: the suite may grow, but not quietly shrink."""

import pytest

FLOOR = 2000


def test_the_whole_suite_is_collected(request):
    if request.config.args != [str(request.config.rootpath / "tests")] and request.config.args != [
        "tests"
    ]:
        pytest.skip("only a part of the suite was asked for")
    assert request.session.testscollected >= FLOOR
