"""A class whose grading takes seconds: each submission answers two exercises in its own way."""

from pathlib import Path

from autograder.recorded import RecordedLab, load_lab

LAB = "m0_toy_transformer"
HEAD = "import os, torch\n"
RIGHT = """
def layer_norm(x, w, b, eps):
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.pow(2).mean(-1, keepdim=True) + eps).sqrt() * w + b
"""
WAYS = {
    "right": RIGHT,
    "wrong": RIGHT.replace("* w + b", "* w"),
    "empty": "def layer_norm(x, w, b, eps):\n    raise NotImplementedError\n",
    "error": "def layer_norm(x, w, b, eps):\n    return x.nothing\n",
    "crash": "def layer_norm(x, w, b, eps):\n    os._exit(0)\n",
}
STATUS = dict(zip(WAYS, ("pass", "fail", "not_started", "error", "crash"), strict=True))
MLP = """
def mlp(x, W_in, b_in, W_out, b_out):
    return torch.nn.functional.gelu(x @ W_in + b_in) @ W_out + b_out
"""


def ways(count: int) -> dict[str, str]:
    """Return so many students, each with a way to answer."""
    return {f"student{place:03d}": list(WAYS)[place % len(WAYS)] for place in range(count)}


def write(folder: Path, count: int) -> None:
    """Write so many submissions."""
    folder.mkdir()
    for student, way in ways(count).items():
        (folder / f"{student}.py").write_text(HEAD + WAYS[way] + MLP)


def lab() -> RecordedLab:
    """Return the lab that they answer."""
    return load_lab(LAB)
