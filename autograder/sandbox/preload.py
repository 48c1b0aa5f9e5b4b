"""In the fork server, before the first fork: import and try once what a lab will need.

Each child then finds it in memory, at no cost. It also means that little is read from files later,
when a child may no longer read them.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import pkgutil
import site
import sys
from importlib.util import find_spec
from typing import Any

# Imported before the fork, so that no child pays for it. The later ones are for convenience.
NEEDED = ("torch", "numpy", "einops", "jaxtyping", "course")
OWN = ("autograder.sandbox.child", "autograder.sandbox.instruments", "autograder.sandbox.shell")
# Not part of anybody's exercise, slow, or with an effect when imported.
UNWELCOME = {"antigravity", "idlelib", "lib2to3", "test", "this", "tkinter", "turtle", "turtledemo"}
INNER = (
    "collections.abc",
    "concurrent.futures.thread",
    "encodings.ascii",
    "encodings.idna",
    "encodings.latin_1",
    "importlib.metadata",
    "importlib.resources",
    "multiprocessing.pool",
    "unittest.mock",
    "urllib.request",
    "xml.etree.ElementTree",
)
WELCOME = ("einops.layers.torch", "matplotlib.pyplot", "tqdm.auto")


def everything(config: dict[str, Any]) -> None:
    """Import the libraries, `course` and the child's code; torch keeps to one thread throughout."""
    sys.path[:0] = config["packages"]
    site.setquit()
    import torch

    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    sys.path.append(config["home"])
    for name in (*NEEDED, *OWN, *modules_of_course(config["files"])):
        importlib.import_module(name)
    from autograder.sandbox import shell

    shell.make()  # before pyplot, whose notebook backend asks for it
    for name in WELCOME:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    if config["import_library"]:
        import_library()
    if config["home"] not in config["packages"]:
        sys.path.remove(config["home"])
    warm()


def modules_of_course(in_view: list[str]) -> list[str]:
    """Return the names of all its modules that are in view: to withhold one, it must be loaded.

    Without bubblewrap this process sees more than that, and a child would find it in memory.
    """
    import course

    found = pkgutil.walk_packages(course.__path__, "course.")
    specs = [(one.name, find_spec(one.name)) for one in found]
    return [name for name, spec in specs if spec and spec.origin in in_view]


def import_library() -> None:
    """Import the standard library as root, because students' processes cannot enter its folder."""
    for name in [*sorted(sys.stdlib_module_names - UNWELCOME), *INNER]:
        if not name.startswith("_"):
            with contextlib.suppress(ImportError, AttributeError):
                importlib.import_module(name)


def warm() -> None:
    """Take each lazy path once: an optimiser step, a contraction, a model, a frame."""
    import einops
    import torch

    from autograder.frames import encode, read_own_frame
    from course import Config, ToyTransformer

    part = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.LayerNorm(4))
    optimiser = torch.optim.AdamW(part.parameters())
    part(torch.ones(2, 4)).square().mean().backward()
    optimiser.step()
    optimiser.zero_grad()
    einops.einsum(torch.ones(2, 3), torch.ones(3), "a b, b -> a")
    einops.rearrange(torch.ones(2, 3), "a b -> (a b)")
    model = ToyTransformer.random(
        Config(n_layers=1, d_vocab=5, n_ctx=4, d_model=8, n_heads=2, d_head=4)
    )
    stream = encode("warm", [model, torch.ones(2)])
    again, _ = read_own_frame(io.BytesIO(stream).read).value(trusted=True)
    again.run_with_cache(torch.zeros(1, 3, dtype=torch.long))
    gc.collect()
