"""The files of the zoo: weights as safetensors that hold their Config, and a JSON card beside them.

A model can be loaded without its card, and without the code that made it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course.assembly import with_weights
from course.config import Config
from course.model import ToyTransformer
from course.names import near_names

if TYPE_CHECKING:
    from course.sae import SAE

WEIGHTS = Path(__file__).parent / "weights"


class UnknownModelError(KeyError):
    """Raised when the zoo has no model of this name; its text names the near matches."""

    def __str__(self) -> str:
        # KeyError would show the quoted repr.
        return str(self.args[0]) if self.args else ""


def unknown_model(name: str, known: list[str]) -> UnknownModelError:
    """Return the error for a name that is not among the known ones."""
    near = near_names(name, known)
    means = f"Did you mean {' or '.join(map(repr, near))}?" if near else "No name is close."
    return UnknownModelError(
        f"The zoo has no model {name!r}. {means}\nThere are: {', '.join(known)}."
    )


def names(folder: Path = WEIGHTS) -> list[str]:
    """Return the names of the models that can be loaded."""
    return sorted(path.stem for path in folder.glob("*.safetensors"))


def weights_path(name: str, folder: Path = WEIGHTS) -> Path:
    """Return where the weights of a model are.

    Raises:
        UnknownModelError: when there are none.

    """
    if name not in names(folder):
        raise unknown_model(name, names(folder))
    return folder / f"{name}.safetensors"


def load(name: str, folder: Path = WEIGHTS) -> ToyTransformer:
    """Load a model: `load("induction_2l")`. Each call returns one of its own.

    Args:
        name: one of `names()`.
        folder: where the weights are, if they are not those that come with the course.

    Raises:
        UnknownModelError: when there is no model of that name; a KeyError.

    """
    from safetensors import safe_open

    with safe_open(weights_path(name, folder), framework="pt") as file:
        config = Config.from_dict(json.loads(file.metadata()["config"]))
        weights = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    return with_weights(config, weights)


def save(name: str, model: ToyTransformer | SAE, folder: Path) -> Path:
    """Write a model's weights and config, the same bytes every time; return the file's path."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.safetensors"
    weights = {key: value.detach().contiguous() for key, value in model.state_dict().items()}
    config = json.dumps(model.cfg.to_dict(), sort_keys=True)
    save_file(weights, path, metadata={"config": config})  # a second entry would vary in place
    path.chmod(0o644)  # safetensors writes it for its owner alone
    return path


def sha256(name: str, folder: Path = WEIGHTS) -> str:
    """Return the SHA-256 of a model's weights file."""
    return hashlib.sha256(weights_path(name, folder).read_bytes()).hexdigest()


def card(name: str, folder: Path = WEIGHTS) -> dict[str, Any]:
    """Return what is known of a model: what it is, how it was made, what was measured on it.

    Raises:
        UnknownModelError: when there is no model of that name.
        FileNotFoundError: when its card is not here; graded code has no cards.

    """
    path = weights_path(name, folder).with_suffix(".json")
    if not path.is_file():
        raise FileNotFoundError(
            f"The model {name!r} is here, but its card {path.name} is not. Cards hold the answers "
            "of exercises, so code that is being graded cannot read them."
        )
    return json.loads(path.read_text(encoding="utf-8"))


def save_card(name: str, facts: dict[str, Any], folder: Path) -> None:
    """Write a card."""
    text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
    (folder / f"{name}.json").write_text(text, encoding="utf-8")
