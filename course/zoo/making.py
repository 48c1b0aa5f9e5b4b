"""Make a model by its recipe, measure it, and write its weights and its card."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from course.model import ToyTransformer
from course.sae import SAE
from course.zoo import store
from course.zoo.recipes import Recipe, recipe

OUT = Path("out/zoo")
LICENCE = "MIT"


def train(
    name: str,
    seed: int | None = None,
    steps: int | None = None,
    out: str | Path | None = None,
    *,
    progress: bool = True,
) -> Path:
    """Make a model anew and write `<name>.safetensors` and `<name>.json`.

    Args:
        name: a model with a recipe.
        seed: the shipped model's when None.
        steps: likewise.
        out: the folder to write into; `out/zoo` when None. The shipped files are left alone.
        progress: whether to show a bar, on stderr.

    Returns:
        The path of the weights.

    Raises:
        UnknownModelError: when there is no recipe of that name.

    """
    how = recipe(name)
    seed = how.seed if seed is None else seed
    steps = how.steps if steps is None else steps
    folder = OUT if out is None else Path(out)
    start = time.perf_counter()
    model = how.make(seed, steps, progress)
    minutes = (time.perf_counter() - start) / 60
    path = store.save(name, model, folder)
    facts = _facts(name, how, model, seed, steps, minutes)
    store.save_card(name, facts | {"sha256": store.sha256(name, folder)}, folder)
    return path


def _facts(
    name: str, how: Recipe, model: ToyTransformer | SAE, seed: int, steps: int, minutes: float
) -> dict[str, Any]:
    """Return the card of a model that has just been made, less the hash of its file."""
    return {
        "name": name,
        "what": how.what,
        "data": how.data,
        "seed": seed,
        "steps": steps,
        "minutes": round(minutes, 2),
        "licence": LICENCE,
        "config": model.cfg.to_dict(),
        "ground_truth": {claim: _rounded(value) for claim, value in how.measure(model).items()},
        "tolerance": how.tolerance,
    }


def _rounded(value: float | str) -> float | str:
    return round(value, 6) if isinstance(value, float) else value
