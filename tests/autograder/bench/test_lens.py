"""The benchmark of the instruments, without peers and at small sizes; no time is asserted."""

import sys
from pathlib import Path

import pytest
import torch

from autograder.bench import lens, lens_bare, lens_worker
from autograder.bench.environment import BenchError
from autograder.bench.lens import Lens, row_of, worker
from autograder.bench.lens_worker import GPT2_SMALL, TOY, Work, cache_memory, timed
from course import Config, ToyTransformer

SMALL = Config(n_layers=2, d_model=8, n_ctx=128, d_head=2, n_heads=3, d_vocab=17)


def test_all_are_timed_in_every_round_and_for_one_of_the_work_that_they_repeat(monkeypatch):
    monkeypatch.setattr(lens_worker, "SLICE_SECONDS", 0.0)
    done = []
    work = Work(
        "forward", lambda: done.append("o"), lambda: done.append("p"), lambda: done.append("b"), 4
    )
    measured = timed(work, 3)
    assert {name: len(measured[name]) for name in ("ours", "peer", "limit")} == {
        "ours": 3,
        "peer": 3,
        "limit": 3,
    }
    assert done[-9:] == list("opb") * 3


def test_a_row_holds_medians_in_milliseconds_and_the_limit():
    measured = {"name": "forward", "ours": [0.1, 0.2, 0.3], "peer": [0.4] * 3, "limit": [0.05] * 3}
    row = row_of("transformer_lens_3", measured).as_json()
    assert row == {
        "name": "forward, 2 layers of 64 (floor: 1.5 times)",
        "ours": pytest.approx(200),
        "peer": pytest.approx(400),
        "peer_name": "TransformerLens 3.9",
        "ratio": pytest.approx(2),
        "limit": pytest.approx(50),
        "unit": "ms",
        "n": 3,
    }


def test_a_cache_keeps_no_more_than_its_tensors(monkeypatch):
    monkeypatch.setattr(lens_worker, "GPT2_SMALL", SMALL)
    measured = cache_memory()
    assert 0 < measured["ours"] <= measured["limit"]
    assert row_of("cache", measured).unit == "MB"


def test_a_part_of_a_larger_piece_of_memory_is_more_than_its_tensor(monkeypatch):
    def run_with_cache(self, tokens):
        return None, {"a": torch.zeros(100)[:1], "b": torch.zeros(10)}

    monkeypatch.setattr(lens_worker, "GPT2_SMALL", SMALL)
    monkeypatch.setattr(ToyTransformer, "run_with_cache", run_with_cache)
    measured = cache_memory()
    assert measured["ours"] == pytest.approx(440e-6)
    assert measured["limit"] == pytest.approx(44e-6)


def test_the_bare_products_are_those_of_the_model(monkeypatch):
    made = []
    product = torch.matmul
    monkeypatch.setattr(torch, "matmul", lambda left, right: made.append(product(left, right)))
    lens_bare.forward(SMALL, 2, 5)()
    assert [tuple(one.shape) for one in made] == [
        *[(10, 18), (6, 5, 5), (6, 5, 2), (10, 8), (10, 32), (10, 8)] * SMALL.n_layers,
        (10, 17),
    ]
    made.clear()
    lens_bare.sae_step(3, 7, 5)()
    assert [tuple(one.shape) for one in made] == [(5, 7), (5, 3), (7, 3), (5, 7), (3, 7)]


def test_the_sizes_are_those_that_are_promised():
    assert (TOY.n_layers, TOY.d_model, TOY.n_layers * TOY.n_heads * TOY.n_ctx) == (2, 64, 256)
    assert (GPT2_SMALL.n_layers, GPT2_SMALL.d_model, GPT2_SMALL.d_vocab) == (12, 768, 50257)


def test_rows_of_the_same_work_stand_together(tmp_path, monkeypatch):
    times = {"ours": [1.0], "peer": [2.0], "limit": [0.5]}

    def measure(python: Path, name: str, rounds: int):
        if name == "cache":
            return [{"name": "cache_gpt2", "ours": 1.0, "limit": 1.0}]
        works = {"transformers": ["forward_gpt2"], "sae_lens": ["sae_standard", "sae_topk"]}
        names = works.get(name, ["forward", "run_with_cache", "sweep"])
        return [{"name": one, **times} for one in names]

    monkeypatch.setattr(lens, "worker", measure)
    monkeypatch.setattr(lens, "python_of", lambda folder, install: folder)
    run = Lens(tmp_path)
    assert len(list(run.steps(1))) == 8
    peers = [row.peer_name for row in run.finish()]
    assert peers[:4] == ["TransformerLens 3.9", "TransformerLens 4"] * 2
    assert len(peers) == 10
    alone = Lens(tmp_path, peers=False)
    list(alone.steps(1))
    assert [row.peer_name for row in alone.finish()] == ["transformers, eager", None]


def test_a_worker_that_fails_says_why():
    with pytest.raises(BenchError, match="the benchmark of no_such failed: KeyError: 'no_such'"):
        worker(Path(sys.executable), "no_such", 1)
