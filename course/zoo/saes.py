"""The shipped sparse autoencoders: safetensors that hold their SAEConfig, and a card beside them.

They lie in a folder of their own beside the models; hashes and cards are read as theirs are.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from course.sae import SAE, SAEConfig, build_sae
from course.zoo import store

SAES = store.WEIGHTS / "saes"


def names(folder: Path = SAES) -> list[str]:
    """Return the names of the SAEs that can be loaded."""
    return store.names(folder)


def load(name: str, folder: Path = SAES) -> SAE:
    """Load an SAE: `saes.load("sae_synthetic_1")`. Each call returns one of its own.

    Args:
        name: one of `names()`.
        folder: where the weights are, if they are not those that come with the course.

    Raises:
        UnknownModelError: when there is no SAE of that name; a KeyError.

    """
    from safetensors import safe_open

    with safe_open(store.weights_path(name, folder), framework="pt") as file:
        sae = build_sae(SAEConfig(**json.loads(file.metadata()["config"])))
        sae.load_state_dict({key: file.get_tensor(key) for key in file.keys()})  # noqa: SIM118
    return sae


def save(name: str, sae: SAE, folder: Path) -> Path:
    """Write an SAE's weights and config, the same bytes every time; return the file's path."""
    return store.save(name, sae, folder)


def card(name: str, folder: Path = SAES) -> dict[str, Any]:
    """Return what is known of an SAE; see `course.zoo.store.card`."""
    return store.card(name, folder)


def sha256(name: str, folder: Path = SAES) -> str:
    """Return the SHA-256 of an SAE's weights file."""
    return store.sha256(name, folder)
