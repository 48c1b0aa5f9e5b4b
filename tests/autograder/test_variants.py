"""Several processes make the same variants as one, and none outlives the one that asked."""

import sys
import time
from dataclasses import replace

import psutil
import torch
from small_class import LAB

from autograder import variants
from autograder.cases import load_source
from autograder.recorded import load_lab
from autograder.variants import make_variants

SECRET = b"a secret for tests only"
PATIENCE = 60.0


def test_two_processes_make_what_one_makes(monkeypatch):
    monkeypatch.setattr(variants, "VARIANTS", 2)
    whole = load_lab(LAB)
    lab = replace(whole, exercises=(whole.exercise("layer_norm"), whole.exercise("mlp")))
    source = load_source(LAB)
    alone = list(make_variants(lab, source, SECRET))
    beside = list(make_variants(lab, source, SECRET, workers=2))
    assert [name for name, _ in alone] == ["layer_norm", "layer_norm", "mlp", "mlp"]
    for (name, one), (other_name, other) in zip(alone, beside, strict=True):
        assert (name, one.id, one.trees) == (other_name, other.id, other.trees)
        assert list(one.tensors) == sorted(other.tensors, key=list(one.tensors).index)
        assert all(torch.equal(one.tensors[key], other.tensors[key]) for key in one.tensors)


def test_killed_while_it_makes_them_it_leaves_no_process():
    code = (
        "from autograder.cases import load_source\n"
        "from autograder.recorded import load_lab\n"
        "from autograder.variants import make_variants\n"
        f"list(make_variants(load_lab({LAB!r}), load_source({LAB!r}), {SECRET!r}, workers=2))\n"
    )
    asking = psutil.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + PATIENCE
    while len(making := asking.children(recursive=True)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(1.0)
    making = asking.children(recursive=True)
    asking.kill()
    asking.wait()
    assert psutil.wait_procs(making, PATIENCE)[1] == []
