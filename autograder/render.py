"""How a verdict looks: HTML in a notebook, the same content as plain text in a terminal."""

from __future__ import annotations

import base64
import html
import io
import textwrap
from dataclasses import dataclass

from torch import Tensor

from autograder.attempt import Attempt, CaseOutcome
from autograder.recorded import RecordedExercise
from autograder.shapes import describe_shape
from autograder.verdict import Verdict

# Dark enough on white and light enough on black to be read in either of Jupyter's themes.
COLOURS = {"pass": "#1a7f5a", "not_started": "#7a7a7a"}
WRONG = "#c2571a"
HEADLINES = {
    "pass": "Right",
    "partial": "Right on some inputs",
    "not_started": "Not started",
    "error": "Your code raised an exception",
}
LARGEST_PICTURE = 64


@dataclass(frozen=True)
class Line:
    """One labelled line of a report, with an empty label for a plain sentence."""

    label: str
    text: str


class View:
    """Something to show: a headline and lines, as text or HTML."""

    headline: str
    colour: str

    def lines(self) -> list[Line]:
        """Return what stands under the headline."""
        raise NotImplementedError

    def picture(self) -> str:
        """Return a picture as HTML, or an empty text."""
        return ""

    def __repr__(self) -> str:
        """Return the view as plain text of at most 88 columns."""
        body = [self.headline]
        for line in self.lines():
            text = f"{line.label}: {line.text}" if line.label else line.text
            body += textwrap.wrap(text, 84, initial_indent="  ", subsequent_indent="    ")
        return "\n".join(body)

    def _repr_html_(self) -> str:
        rows = "".join(_row(line) for line in self.lines())
        return (
            f'<div style="border-left:4px solid {self.colour};padding:4px 12px;margin:4px 0">'
            f'<div style="font-weight:600;color:{self.colour}">{html.escape(self.headline)}</div>'
            f'<table style="border-collapse:collapse;text-align:left">{rows}</table>'
            f"{self.picture()}</div>"
        )


def _row(line: Line) -> str:
    cell = "padding:2px 12px 2px 0;text-align:left;vertical-align:top;background:transparent"
    text = html.escape(line.text)
    if not line.label:
        return f'<tr><td colspan="2" style="{cell}">{text}</td></tr>'
    return (
        f'<tr><td style="{cell};opacity:.75;white-space:nowrap">{html.escape(line.label)}</td>'
        f'<td style="{cell}">{text}</td></tr>'
    )


@dataclass(frozen=True, repr=False)
class Problem(View):
    """A check that could not begin."""

    check: str
    message: str

    @property
    def headline(self) -> str:  # type: ignore[override]
        """The name of the check that failed."""
        return f"Not checked: {self.check}"

    colour = WRONG

    def lines(self) -> list[Line]:
        """Return the one message."""
        return [Line("", self.message)]


@dataclass(frozen=True, repr=False)
class Hint(View):
    """One of an exercise's hints."""

    exercise: RecordedExercise
    place: int

    colour = "#2f6fb0"

    @property
    def headline(self) -> str:  # type: ignore[override]
        """Which hint of how many."""
        return f"Hint {self.place + 1} of {len(self.exercise.hints)} for {self.exercise.name}"

    def lines(self) -> list[Line]:
        """Return the hint."""
        lines = [Line("", self.exercise.hints[self.place])]
        if self.place + 1 == len(self.exercise.hints):
            lines.append(Line("", "This was the last one."))
        return lines


@dataclass(frozen=True, repr=False)
class Report(View):
    """The verdict on one exercise: what passed, what failed first, which idea went wrong."""

    attempt: Attempt

    @property
    def colour(self) -> str:  # type: ignore[override]
        """Green, grey or orange; the headline says the same in words."""
        return COLOURS.get(self.attempt.status, WRONG)

    @property
    def headline(self) -> str:  # type: ignore[override]
        """The status in words, the exercise, and the cases passed."""
        attempt = self.attempt
        passed = sum(case.passed for case in attempt.cases)
        told = HEADLINES.get(attempt.status, "Not yet")
        return f"{told}: {attempt.exercise.id} ({passed} of {len(attempt.cases)} cases pass)"

    def lines(self) -> list[Line]:
        """Return verdict, values, misconception, hint and advice."""
        attempt = self.attempt
        lines = []
        if attempt.status == "pass":
            lines.append(Line("", attempt.exercise.claim))
        elif attempt.status == "not_started":
            lines.append(Line("", "Replace `raise NotImplementedError()` by your code."))
        if attempt.idea and attempt.match:
            told = attempt.idea.id + ("" if attempt.match.how == "exact" else " (in another form)")
            lines.append(Line("misconception", told))
            lines.append(Line("", f"It looks as if your code {attempt.idea.text}"))
            lines.append(Line("hint", attempt.idea.hint))
        failure = attempt.first_failure
        if failure and attempt.status != "not_started":
            lines += _failed(failure)
        lines += [Line("advice", text) for text in attempt.advice]
        return lines

    def picture(self) -> str:
        """Return heat maps of the answer beside the target when both are matrices."""
        failure = self.attempt.first_failure
        pair = _matrices(failure.judgement.verdict) if failure and failure.judgement else None
        return _heat_maps(*pair) if pair else ""


def _failed(failure: CaseOutcome) -> list[Line]:
    """Return which check failed on which case, with got and expected side by side."""
    verdict = failure.judgement.verdict if failure.judgement else None
    if verdict is None or verdict.got is None or verdict.expected is None:
        return [Line("failed", f"{failure.message} (case {failure.case})")]
    lines = [Line("failed check", f"{verdict.check} (case {failure.case})")]
    if verdict.part:
        lines.append(Line("in output", verdict.part))
    shape = describe_shape(verdict.axes, tuple(verdict.expected.shape))
    if verdict.index is None:
        return [*lines, Line("", verdict.message)]
    at = f"answer[{', '.join(map(str, verdict.index))}] = " if verdict.index else ""
    return [
        *lines,
        Line("shape", f"{shape}, as expected"),
        Line("first differing index", ", ".join(_places(verdict.axes, verdict.index)) or "none"),
        Line("expected", f"{at}{verdict.expected[verdict.index].item():.6g}"),
        Line("got", f"{at}{verdict.got[verdict.index].item():.6g}"),
        Line("how much", verdict.extent),
    ]


def _places(axes: tuple[str, ...], index: tuple[int, ...]) -> list[str]:
    return [f"{axis}={place}" for axis, place in zip(axes, index, strict=True)]


def _matrices(verdict: Verdict) -> tuple[Tensor, Tensor, tuple[str, ...]] | None:
    """Return the last two axes of answer and target, at the first differing index."""
    got, expected = verdict.got, verdict.expected
    if got is None or expected is None or got.shape != expected.shape or got.is_complex():
        return None
    if expected.ndim < 2 or verdict.index is None or max(expected.shape[-2:]) > LARGEST_PICTURE:
        return None
    lead = verdict.index[:-2]
    return got[lead], expected[lead], verdict.axes[-2:]


def _heat_maps(yours: Tensor, target: Tensor, axes: tuple[str, ...]) -> str:
    # matplotlib takes half a second to import: only a wrong matrix pays for it.
    from matplotlib import pyplot

    from course import plots

    axes_drawn = plots.side_by_side(yours, target, row_axis=axes[0], column_axis=axes[1])
    figure = axes_drawn[0].get_figure(root=True)
    assert figure is not None
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=90, bbox_inches="tight")
    pyplot.close(figure)
    encoded = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="your answer beside the target" src="data:image/png;base64,{encoded}">'
