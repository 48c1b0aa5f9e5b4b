"""Agent traces: what an agent says it did, beside what its tools said.

A trace is the log of one run: plan, tool calls, retrieved context, validation and answer, in order.
Every step may claim facts, by name; a tool or a document states them too. So it can be checked
mechanically whether the agent contradicts its tools, goes round in circles or passes over errors,
and whether its answer can be reconstructed from the log at all. The steps are those of ReAct (Yao
et al., "ReAct: Synergizing Reasoning and Acting in Language Models", 2023).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

Facts = Mapping[str, Hashable]


@dataclass(frozen=True)
class Step:
    """What all steps have.

    Attributes:
        id: unique in the trace.
        claims: what the agent itself says is so at this step, by name.
        because: ids of the earlier steps that it says it rests on.

    """

    id: int
    claims: Facts = field(default_factory=dict, kw_only=True)
    because: Sequence[int] = field(default=(), kw_only=True)


@dataclass(frozen=True)
class Plan(Step):
    """What the agent is about to do."""

    goals: Sequence[str]


@dataclass(frozen=True)
class ToolCall(Step):
    """A call, and what came of it: facts, or an error.

    Attributes:
        tool: its name.
        arguments: what it was called with.
        output: the facts that it returned; None if it returned nothing.
        error: what went wrong; None if nothing did.

    """

    tool: str
    arguments: Facts
    output: Facts | None = None
    error: str | None = None


@dataclass(frozen=True)
class Retrieved(Step):
    """Context from a document: its name, and the facts that it states."""

    source: str
    facts: Facts


@dataclass(frozen=True)
class Validation(Step):
    """A look back at earlier steps, by id."""

    checked: Sequence[int]


@dataclass(frozen=True)
class Answer(Step):
    """What the agent answers; its claims are the decision."""

    text: str


@dataclass(frozen=True)
class Trace:
    """The log of one run.

    Raises:
        ValueError: for no steps, or two with one id.

    """

    steps: Sequence[Step]

    def __post_init__(self) -> None:
        ids = [step.id for step in self.steps]
        if not ids or len(set(ids)) < len(ids):
            raise ValueError(
                f"A trace was given steps with the ids {ids}; expected one step at least, and "
                "every id once.\nTwo runs may have been logged into one file."
            )

    def of_kind(self, kind: type[Step]) -> list[Step]:
        """Return the steps of one kind, in order."""
        return [step for step in self.steps if isinstance(step, kind)]

    def calls(self) -> Iterator[ToolCall]:
        """Yield the tool calls, in order."""
        for step in self.steps:
            if isinstance(step, ToolCall):
                yield step


def first_contradiction(trace: Trace) -> int | None:
    """Return the first step that claims something else than a tool has said, or None.

    A claim is held against the latest tool output on the same fact before it, and that of its own
    call. What a document says is no tool's output, and what no tool has said contradicts nothing.
    """
    said: dict[str, Hashable] = {}
    for step in trace.steps:
        if isinstance(step, ToolCall):
            said |= step.output or {}
        if any(name in said and said[name] != value for name, value in step.claims.items()):
            return step.id
    return None


def loops(trace: Trace) -> list[int]:
    """Return the calls that repeat an earlier one: same tool and arguments, same outcome.

    The first of them is not among these. A retry that brings something new is no loop.
    """
    seen: list[tuple[object, ...]] = []
    repeated = []
    for call in trace.calls():
        what = (call.tool, dict(call.arguments), call.output, call.error)
        if what in seen:
            repeated.append(call.id)
        seen.append(what)
    return repeated


def ignored_errors(trace: Trace) -> list[int]:
    """Return the calls that failed and that nothing later reacts to.

    Calling the same tool again is a reaction, with whatever arguments, and so is a validation that
    checks the call. An answer that rests on the call is none: there is nothing to rest on.
    """
    ignored = []
    for index, step in enumerate(trace.steps):
        if isinstance(step, ToolCall) and step.error is not None:
            later = trace.steps[index + 1 :]
            if not any(_reacts(other, step) for other in later):
                ignored.append(step.id)
    return ignored


def _reacts(later: Step, failed: ToolCall) -> bool:
    """Return whether a later step takes notice of a failed call."""
    if isinstance(later, ToolCall):
        return later.tool == failed.tool
    return isinstance(later, Validation) and failed.id in later.checked


@dataclass(frozen=True)
class Completeness:
    """Whether a decision can be reconstructed from its log.

    Attributes:
        supported: for each claim of the answers, whether a step that it rests on, directly or
            through others, is a tool output or a document that states it.
        missing: what the log lacks, in words; empty if it is complete.

    """

    supported: Mapping[str, bool]
    missing: Sequence[str]

    @property
    def share(self) -> float:
        """The part of the claims that can be reconstructed; 0 if nothing is claimed."""
        return sum(self.supported.values()) / len(self.supported) if self.supported else 0.0


def completeness(trace: Trace) -> Completeness:
    """Return which claims of the answer the log supports, and what it lacks.

    A complete log has a plan, an answer that claims something, an outcome for every call, no
    reference to steps that are not there or come later, and a source for every claim of the answer.
    """
    answers = trace.of_kind(Answer)
    missing = [f"no {kind.__name__.lower()}" for kind in (Plan, Answer) if not trace.of_kind(kind)]
    if answers and not any(answer.claims for answer in answers):
        missing.append("an answer that claims nothing")
    for call in trace.calls():
        if call.output is None and call.error is None:
            missing.append(f"step {call.id}: neither output nor error")
    missing += _dangling(trace)
    supported: dict[str, bool] = {}
    for answer in answers:
        for name, value in answer.claims.items():
            stated = any(
                name in facts and facts[name] == value for facts in _sources(trace, answer)
            )
            supported[name] = supported.get(name, True) and stated
            if not stated:
                missing.append(f"step {answer.id}: no source for {name!r}")
    return Completeness(supported, missing)


def _dangling(trace: Trace) -> list[str]:
    """Return the references to steps that had not been made."""
    made: set[int] = set()
    found = []
    for step in trace.steps:
        named = [*step.because, *(step.checked if isinstance(step, Validation) else ())]
        found += [
            f"step {step.id}: refers to step {other}, which is not before it"
            for other in named
            if other not in made
        ]
        made.add(step.id)
    return found


def _sources(trace: Trace, step: Step) -> Iterator[Facts]:
    """Yield the facts of the tools and documents that a step rests on, however indirectly."""
    place = {other.id: index for index, other in enumerate(trace.steps)}
    waiting, seen = [step], {step.id}
    while waiting:
        current = waiting.pop()
        if isinstance(current, ToolCall) and current.output is not None:
            yield current.output
        if isinstance(current, Retrieved):
            yield current.facts
        for other in current.because:
            # What is not in the log, or came later, supports nothing.
            if place.get(other, len(place)) < place[current.id] and other not in seen:
                seen.add(other)
                waiting.append(trace.steps[place[other]])
