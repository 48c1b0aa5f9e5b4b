"""What lessons and labs use: a toy transformer whose every activation can be read and edited.

Importing this brings in torch, einops and nothing heavier; the rest loads when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from course.cache import ActivationCache
from course.config import Config
from course.factored import FactoredMatrix
from course.hooks import HookPoint, UnknownHookError
from course.model import ToyTransformer

if TYPE_CHECKING:
    from course import plots, zoo
    from course.huggingface import from_huggingface, to_huggingface
    from course.zoo import load

__all__ = [
    "ActivationCache",
    "Config",
    "FactoredMatrix",
    "HookPoint",
    "ToyTransformer",
    "UnknownHookError",
    "from_huggingface",
    "load",
    "plots",
    "to_huggingface",
    "zoo",
]

_LAZY_NAMES = {
    "load": "course.zoo",
    "from_huggingface": "course.huggingface",
    "to_huggingface": "course.huggingface",
}
_LAZY_MODULES = ("plots", "zoo")


def __getattr__(name: str) -> Any:
    """Import what is heavier than torch when it is first asked for."""
    if name in _LAZY_MODULES:
        return import_module(f"course.{name}")
    if name in _LAZY_NAMES:
        return getattr(import_module(_LAZY_NAMES[name]), name)
    raise AttributeError(f"module 'course' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the lazy names too."""
    return sorted({*globals(), *__all__})
