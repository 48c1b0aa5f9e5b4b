"""Hold the models of the zoo against their cards."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from course.model import ToyTransformer
from course.sae import SAE
from course.zoo import saes, store
from course.zoo.recipes import Recipe, recipe


class Row(NamedTuple):
    """One claim of a card, and whether it holds."""

    claim: str
    recorded: Any
    measured: Any
    ok: bool


def measure(name: str, folder: str | Path | None = None) -> dict[str, float | str]:
    """Measure afresh what a model's card claims.

    Raises:
        UnknownModelError: when there is no such model, or no recipe that says what to measure.

    """
    how = recipe(name)
    return how.measure(_load(name, how, _folder(folder, how)))


def check_card(name: str, folder: str | Path | None = None) -> list[Row]:
    """Compare a model with its card, claim by claim.

    Numbers may differ by the card's tolerance, since machines round differently; everything else
    must be equal. The last rows are the bounds that any seed must keep to be shipped.

    Args:
        name: the model.
        folder: where its weights and card are, if they are not those that come with the course.

    """
    how = recipe(name)
    where = _folder(folder, how)
    card, measured = store.card(name, where), measure(name, where)
    config = _load(name, how, where).cfg.to_dict()
    rows = [_equal("sha256 of the weights", card["sha256"], store.sha256(name, where))]
    rows.append(_equal("config", card["config"], config))
    recorded = card["ground_truth"]
    for claim in sorted({*recorded, *measured}):
        rows.append(_near(claim, recorded.get(claim), measured.get(claim), card["tolerance"]))
    for claim, (low, high) in how.bounds.items():
        value = float(measured[claim])
        rows.append(Row(f"{claim}, bounds", f"{low} to {high}", value, low <= value <= high))
    return rows


def check(names: list[str] | None = None) -> dict[str, list[Row]]:
    """Return the rows of each model, of all of them (SAEs too) when no names are given."""
    everything = [*store.names(), *saes.names()]
    return {name: check_card(name) for name in (everything if names is None else names)}


def _folder(folder: str | Path | None, how: Recipe) -> Path:
    if folder is not None:
        return Path(folder)
    return saes.SAES if how.is_sae else store.WEIGHTS


def _load(name: str, how: Recipe, folder: Path) -> ToyTransformer | SAE:
    return saes.load(name, folder) if how.is_sae else store.load(name, folder)


def _equal(claim: str, recorded: Any, measured: Any) -> Row:
    return Row(claim, recorded, measured, recorded == measured)


def _near(claim: str, recorded: Any, measured: Any, tolerance: float) -> Row:
    if isinstance(recorded, float) and isinstance(measured, float):
        return Row(claim, recorded, measured, abs(recorded - measured) <= tolerance)
    return _equal(claim, recorded, measured)
