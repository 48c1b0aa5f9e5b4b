"""Whether an answer equals the reference activations, and if not, which check failed first.

The checks come in a fixed order, each with its own message: returned something, type, number of
outputs, dtype kind, shape (with the axes named), finite, values. Shape equality comes before any
arithmetic, so broadcasting never passes. The notebook and the grader both call `compare`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from autograder.invariances import canonical
from autograder.shapes import describe_shape, explain_shape, name_axes
from autograder.values import scale
from autograder.verdict import Mismatch, Verdict, listed

NUMBER = int | float


def compare(
    expected: Any, got: Any, *, axes: Any, tolerance: float | None, invariance: str | None = None
) -> Verdict:
    """Compare an answer with the expected one.

    Args:
        expected: the reference answer, in float64.
        got: what the student's function returned.
        axes: the answer's axis names (see `autograder.spec.Axes`).
        tolerance: largest accepted difference, relative to the largest finite magnitude of the
            expected tensor; None for exact answers.
        invariance: a key of `INVARIANCES`, applied to both sides first.

    """
    try:
        if got is None and expected is not None:
            raise Mismatch(
                "returned something", "the function returned None; is the return statement missing?"
            )
        if invariance is not None:
            expected, got = canonical(expected, got, invariance)
        _compare_part(expected, got, axes, tolerance or 0.0, "")
    except Mismatch as mismatch:
        return mismatch.verdict
    return Verdict(passed=True, check="passed", message="equal to the reference")


def _compare_part(expected: Any, got: Any, axes: Any, tolerance: float, part: str) -> None:
    match expected:
        case Tensor():
            _compare_tensor(expected, got, name_axes(axes, expected.ndim), tolerance, part)
        case bool() | str() | None:
            _compare_exact(expected, got, part)
        case int() | float():
            _compare_number(expected, got, tolerance, part)
        case dict():
            _compare_dict(expected, got, axes, tolerance, part)
        case list() | tuple():
            _compare_sequence(expected, got, axes, tolerance, part)
        case set():
            _compare_set(expected, got, part)
        case _:
            raise TypeError(f"a reference answer of type {type(expected).__name__}")


def _require_type(expected: Any, got: Any, kinds: tuple[type, ...], part: str) -> Any:
    """Return `got`, or end the comparison when it is of none of the kinds."""
    if not isinstance(got, kinds) or (isinstance(got, bool) and bool not in kinds):
        raise Mismatch(
            "type",
            f"{_of(part)}expected {_type_name(expected)}, got {_type_name(got)}"
            f"{_way_out(expected, got)}",
            part=part,
        )
    return got


def _way_out(expected: Any, got: Any) -> str:
    """Return how to make the expected type of what is there, when that is one call."""
    match expected, got:
        case Tensor(), list() | tuple() if all(isinstance(item, Tensor) for item in got):
            return "; torch.stack makes one of a list of tensors"
        case Tensor(), list() | tuple():
            return "; torch.tensor makes one of a list of numbers"
        case set(), list() | tuple():
            return "; set(...) makes one of a list"
        case tuple(), Tensor():
            return f"; return {len(expected)} values with commas between them"
    return ""


def _compare_dict(expected: dict, got: Any, axes: Any, tolerance: float, part: str) -> None:
    _require_type(expected, got, (dict,), part)
    if expected.keys() != got.keys():
        raise Mismatch(
            "number of outputs",
            f"{_of(part)}expected the keys {sorted(expected)}, got {listed(list(got))}",
            part=part,
        )
    for key, item in expected.items():
        inner = axes.get(key, "") if isinstance(axes, Mapping) else axes
        _compare_part(item, got[key], inner, tolerance, f"{part}[{key!r}]")


def _compare_sequence(expected: Any, got: Any, axes: Any, tolerance: float, part: str) -> None:
    # A list where a tuple was asked for (or the reverse) hides no wrong idea.
    _require_type(expected, got, (list, tuple), part)
    if len(expected) != len(got):
        raise Mismatch(
            "number of outputs",
            f"{_of(part)}expected {len(expected)} values, got {len(got)}",
            part=part,
        )
    for place, (item, mine) in enumerate(zip(expected, got, strict=True)):
        inner = axes[place] if isinstance(axes, tuple) else axes
        _compare_part(item, mine, inner, tolerance, f"{part}[{place}]")


def _compare_set(expected: set, got: Any, part: str) -> None:
    _require_type(expected, got, (set, frozenset), part)
    if expected != got:
        missing, extra = sorted(expected - got, key=repr), sorted(got - expected, key=repr)
        raise Mismatch(
            "values",
            f"{_of(part)}expected {listed(expected)}, got {listed(got)}: "
            f"missing {listed(missing)}, not expected {listed(extra)}",
            part=part,
        )


def _compare_exact(expected: Any, got: Any, part: str) -> None:
    if isinstance(got, Tensor) and got.ndim == 0 and isinstance(expected, bool):
        got = got.item()
    _require_type(expected, got, (type(expected),), part)
    if expected != got:
        raise Mismatch("values", f"{_of(part)}expected {expected!r}, got {got!r}", part=part)


def _compare_number(expected: NUMBER, got: Any, tolerance: float, part: str) -> None:
    if isinstance(got, Tensor):  # a scalar tensor is a number; any other is a shape error
        _compare_tensor(torch.tensor(expected), got, (), tolerance, part)
        return
    _require_type(expected, got, (int,) if isinstance(expected, int) else (int, float), part)
    _compare_values(
        torch.tensor(expected, dtype=torch.float64),
        _as_tensor(got, part).double(),
        (),
        tolerance,
        part,
    )


def _as_tensor(number: NUMBER, part: str) -> Tensor:
    try:
        return torch.tensor(number)
    except (OverflowError, RuntimeError, ValueError) as error:
        raise Mismatch("values", f"{_of(part)}got a number with over 18 digits") from error


def _compare_tensor(
    expected: Tensor, answer: Any, axes: tuple[str, ...], tolerance: float, part: str
) -> None:
    if expected.ndim == 0 and isinstance(answer, NUMBER) and not isinstance(answer, bool):
        answer = _as_tensor(answer, part)
    got: Tensor = _require_type(expected, answer, (Tensor,), part)
    if dtype_kind(expected) != dtype_kind(got):
        raise Mismatch(
            "dtype",
            f"{_of(part)}expected a tensor of {dtype_kind(expected)} numbers, "
            f"got {str(got.dtype).removeprefix('torch.')}",
            part=part,
            axes=axes,
        )
    if expected.shape != got.shape:
        raise Mismatch(
            "shape",
            _of(part) + explain_shape(axes, tuple(expected.shape), tuple(got.shape)),
            part=part,
            axes=axes,
            got=got,
            expected=expected,
        )
    _compare_values(expected, got, axes, tolerance, part)


def _compare_values(
    expected: Tensor, got: Tensor, axes: tuple[str, ...], tolerance: float, part: str
) -> None:
    expected, got = _wide(expected), _wide(got)
    misfits, check = misfitting(expected, got, tolerance)
    if misfits.any():
        index = _first(misfits)
        where = ", ".join(f"{axis}={place}" for axis, place in zip(axes, index, strict=True))
        extent = _extent(expected, got, misfits, axes, tolerance, check)
        raise Mismatch(
            check,
            f"{_of(part)}{f'at ({where}) ' if where else ''}"
            f"expected {_show(expected[index])}, got {_show(got[index])}; {extent}",
            part=part,
            axes=axes,
            index=index,
            got=got,
            expected=expected,
            extent=extent,
        )


def misfitting(expected: Tensor, got: Tensor, tolerance: float) -> tuple[Tensor, str]:
    """Return which entries of two tensors of one shape differ, and the check that they fail."""
    expected, got = _wide(expected), _wide(got)
    misfits = ~((got - expected).abs() <= tolerance * scale(expected))
    if not misfits.any():  # the usual answer is right: every gap is a number, and small
        return misfits, "values"
    finite = torch.isfinite(expected)
    # -inf must meet -inf, and NaN equals nothing: a reference never holds one.
    misfits = torch.where(finite, ~torch.isfinite(got), expected != got)
    if misfits.any():
        return misfits, "finite"
    gap = torch.where(finite, (got - expected).abs(), torch.zeros((), dtype=torch.float64))
    return gap > tolerance * scale(expected), "values"


def _wide(tensor: Tensor) -> Tensor:
    return tensor.to(torch.complex128 if tensor.is_complex() else torch.float64)


def _extent(
    expected: Tensor,
    got: Tensor,
    misfits: Tensor,
    axes: tuple[str, ...],
    tolerance: float,
    check: str,
) -> str:
    """Say how many entries differ, where, by how much, and by what simple relation."""
    told = []
    if expected.ndim:
        what = "differ" if check == "values" else "are finite on one side only"
        wrong = f"{int(misfits.sum())} of {misfits.numel()} entries {what}"
        told.append(wrong + _worst_slice(misfits, axes))
    both = torch.isfinite(expected) & torch.isfinite(got)
    if both.any():
        gap = float((got - expected)[both].abs().max())
        told.append(
            f"largest difference {gap:.3g}, which is {gap / scale(expected):.2g} times the largest "
            f"expected value (tolerance {tolerance:.0e})"
        )
    told.append(relation_to(expected, got, axes, max(tolerance, 1e-6)))
    return "; ".join(filter(None, told))


def _worst_slice(misfits: Tensor, axes: tuple[str, ...]) -> str:
    """Say where the differing entries sit, when they all sit at one place of one axis."""
    for axis, name in enumerate(axes):
        others = [other for other in range(misfits.ndim) if other != axis]
        wrong = misfits.sum(dim=others) if others else misfits.long()
        if misfits.shape[axis] > 1 and int((wrong > 0).sum()) == 1:
            return f", all of them at {name}={int(wrong.argmax())}"
    return ""


def relation_to(
    target: Tensor, got: Tensor, axes: tuple[str, ...], tolerance: float, *, shift: bool = True
) -> str:
    """Say in words how `got` is a simple transformation of `target`, or return an empty text.

    Looked for: the negative, a constant factor, a constant shift (unless `shift` is False), two
    axes swapped.
    """
    if target.numel() < 2 or not (torch.isfinite(target).all() and torch.isfinite(got).all()):
        return ""
    if target.is_complex():
        return ""
    bound = tolerance * 10

    def same(left: Tensor, right: Tensor) -> bool:
        return bool(((left - right).abs() <= bound * scale(right)).all())

    factor = float((got * target).sum() / (target * target).sum().clamp_min(1e-300))
    if abs(factor) > 1e-9 and same(got, factor * target):
        return "yours is the expected answer " + (
            "with the sign turned" if abs(factor + 1) < 1e-6 else f"times {factor:.4g}"
        )
    added = float((got - target).mean())
    if shift and abs(added) > bound * scale(target) and same(got - added, target):
        return f"yours is the expected answer plus {added:.4g}"
    for one in range(target.ndim):
        for two in range(one + 1, target.ndim):
            if target.shape[one] == target.shape[two] > 1 and same(got, target.transpose(one, two)):
                return f"yours is the expected answer with {axes[one]} and {axes[two]} swapped"
    return ""


def dtype_kind(tensor: Tensor) -> str:
    """Return "floating", "complex", "bool" or "whole"."""
    if tensor.is_floating_point():
        return "floating"
    if tensor.is_complex():
        return "complex"
    return "bool" if tensor.dtype == torch.bool else "whole"


def _first(misfits: Tensor) -> tuple[int, ...]:
    return tuple(int(place) for place in misfits.nonzero()[0])


def _show(number: Tensor) -> str:
    return f"{number.item():.6g}"


def _of(part: str) -> str:
    return f"in output {part}: " if part else ""


def _type_name(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of shape {describe_shape((), tuple(value.shape))}"
    return f"{type(value).__name__}"
