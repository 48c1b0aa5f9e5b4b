"""Agent traces: a run that is in order, and each way in which one is not."""

import dataclasses

import pytest

from course.traces import (
    Answer,
    Plan,
    Retrieved,
    ToolCall,
    Trace,
    Validation,
    completeness,
    first_contradiction,
    ignored_errors,
    loops,
)

SOUND = (
    Plan(1, goals=["find the price", "find the limit", "compare"]),
    ToolCall(2, "price", {"item": "lamp"}, output={"price": 40, "currency": "EUR"}),
    Retrieved(3, "handbook", {"limit": 50}),
    Validation(4, checked=[2, 3], claims={"price": 40}, because=[2, 3]),
    Answer(5, "Buy it.", claims={"price": 40, "limit": 50}, because=[4]),
)


def with_step(place, step):
    return Trace([*SOUND[:place], step, *SOUND[place:]])


def changed(index, **fields):
    return Trace([*SOUND[:index], dataclasses.replace(SOUND[index], **fields), *SOUND[index + 1 :]])


def test_a_run_in_order():
    trace = Trace(SOUND)
    assert first_contradiction(trace) is None
    assert loops(trace) == ignored_errors(trace) == []
    found = completeness(trace)
    assert found.supported == {"price": True, "limit": True}
    assert (found.share, list(found.missing)) == (1.0, [])


def test_the_first_contradiction_is_found():
    trace = Trace(
        [
            *SOUND[:3],
            dataclasses.replace(SOUND[3], claims={"price": 45}),
            dataclasses.replace(SOUND[4], claims={"price": 45}),
        ]
    )
    assert first_contradiction(trace) == 4


def test_a_claim_made_before_any_tool_spoke_contradicts_nothing():
    assert first_contradiction(changed(0, claims={"price": 99})) is None


def test_a_document_is_no_tool():
    assert first_contradiction(changed(4, claims={"limit": 60})) is None


def test_the_latest_output_counts():
    trace = with_step(4, ToolCall(9, "price", {"item": "lamp"}, output={"price": 42}))
    assert first_contradiction(trace) == 5
    own = with_step(4, ToolCall(9, "shop", {}, output={"open": False}, claims={"open": True}))
    assert first_contradiction(own) == 9


def test_a_loop_is_the_same_call_with_the_same_outcome():
    again = ToolCall(8, "price", {"item": "lamp"}, output={"currency": "EUR", "price": 40})
    assert loops(with_step(3, again)) == [8]
    for other in (
        dataclasses.replace(again, arguments={"item": "desk"}),
        dataclasses.replace(again, tool="stock"),
        dataclasses.replace(again, output={"price": 41}),
        dataclasses.replace(again, output=None, error="timeout"),
    ):
        assert loops(with_step(3, other)) == []
    two, three = (dataclasses.replace(again, id=number) for number in (9, 10))
    assert loops(Trace([*SOUND[:3], again, two, three])) == [8, 9, 10]


def test_an_error_is_ignored_unless_something_reacts():
    failed = ToolCall(8, "stock", {"item": "lamp"}, error="timeout")
    assert ignored_errors(with_step(2, failed)) == [8]
    retry = ToolCall(9, "stock", {"item": "lamp"}, output={"stock": 3})
    assert ignored_errors(Trace([*SOUND[:2], failed, retry, *SOUND[2:]])) == []
    failed_again = dataclasses.replace(failed, id=9)
    assert ignored_errors(Trace([*SOUND[:2], failed, failed_again, *SOUND[2:]])) == [9]
    seen = dataclasses.replace(SOUND[3], checked=[8])
    assert ignored_errors(Trace([*SOUND[:3], failed, seen, SOUND[4]])) == []
    resting = dataclasses.replace(SOUND[4], because=[8])
    assert ignored_errors(Trace([*SOUND[:4], failed, resting])) == [8]


@pytest.mark.parametrize(
    ("trace", "missing"),
    [
        (Trace(SOUND[1:]), "no plan"),
        (Trace(SOUND[:4]), "no answer"),
        (changed(4, claims={}), "an answer that claims nothing"),
        (with_step(2, ToolCall(8, "stock", {})), "step 8: neither output nor error"),
        (changed(4, because=[4, 77]), "step 5: refers to step 77, which is not before it"),
        (changed(3, checked=[5]), "step 4: refers to step 5, which is not before it"),
        (changed(4, claims={"price": 40, "stock": 3}), "step 5: no source for 'stock'"),
        (changed(4, claims={"price": 41}), "step 5: no source for 'price'"),
    ],
)
def test_what_a_log_lacks(trace, missing):
    assert list(completeness(trace).missing) == [missing]


def test_a_true_claim_that_rests_on_nothing_cannot_be_reconstructed():
    found = completeness(changed(4, because=[]))
    assert found.supported == {"price": False, "limit": False}
    found = completeness(changed(3, because=[2]))
    assert found.supported == {"price": True, "limit": False}
    assert found.share == 0.5
    assert completeness(Trace(SOUND[:4])).share == 0.0


@pytest.mark.parametrize("steps", [(), (SOUND[0], SOUND[0])])
def test_no_steps_or_an_id_twice(steps):
    with pytest.raises(ValueError, match="every id once"):
        Trace(steps)
