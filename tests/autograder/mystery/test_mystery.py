"""Mysteries: solvable by what is taught, and by nothing cheaper.

`MYSTERY_SEEDS=40` tries more of them than the few of an ordinary run.
"""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import pytest
import torch
from mystery_hunt import hunt

from autograder.mystery import hand_out, mystery, open_base, read_truth, train_base
from autograder.mystery.verify import FAITHFUL, verify
from autograder.side_by_side import processes
from course import zoo
from course.zoo.mystery import D_VOCAB, FIRST_ORDINARY, answers, short_inputs

SEEDS = int(os.environ.get("MYSTERY_SEEDS", "4"))
DATA = Path(__file__).parents[2] / "data"
SECRET = (DATA / "course-secret.txt").read_bytes().strip()
SHIPPED = ("mystery_1", "mystery_2", "mystery_3")
TRUTHS = Path(__file__).parents[3] / "autograder" / "mystery" / "shipped"


@pytest.fixture(scope="module")
def base():
    return open_base(SECRET, DATA / "bases", progress=False)


@pytest.fixture(scope="module")
def made(base):
    return [mystery(SECRET, f"student-{seed}", base) for seed in range(SEEDS)]


def fields(truth):
    return dataclasses.astuple(truth)


def test_what_is_taught_finds_trigger_head_and_neuron(made):
    assert [hunt(one.model) for one in made] == [one.truth for one in made]


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_ones_are_solvable_too(name):
    assert hunt(zoo.load(name)) == read_truth(TRUTHS / f"{name}.json")


def test_each_was_verified_before_it_was_handed_out(made):
    for one in made:
        assert one.verdict.faithful
        assert one.verdict.minimal


def test_a_plant_without_its_head_or_its_neuron_is_refused(base, made):
    """Control: the verdict can be no."""
    truth = dataclasses.replace(made[0].truth, head=(0, 0), neuron=(1, 0))
    verdict = verify(base.model, base, truth, torch.Generator().manual_seed(0))
    assert verdict.flips < 0.1 < FAITHFUL <= verdict.agrees


def test_the_same_student_gets_the_same_and_another_another(base, made):
    again = mystery(SECRET, "student-0", base)
    assert again.truth == made[0].truth
    for name, value in again.model.state_dict().items():
        assert torch.equal(value, made[0].model.state_dict()[name]), name
    answers_ = [fields(one.truth) for one in made]
    assert len(set(answers_)) == len(made)


def test_processes_side_by_side_make_the_same(made):
    with processes(1) as pool:
        assert pool.submit(_in_another, 1).result() == fields(made[1].truth)


def _in_another(seed):
    base = open_base(SECRET, DATA / "bases", progress=False)
    return fields(mystery(SECRET, f"student-{seed}", base).truth)


def test_a_students_copy_holds_no_truth(base, made, tmp_path):
    out, truths = tmp_path / "out", tmp_path / "truths"
    [folder] = hand_out(SECRET, ["student-0"], base, out, truths)
    assert sorted(path.name for path in folder.iterdir()) == ["mystery.json", "mystery.safetensors"]
    kept = truths / "student-0.json"
    assert kept.stat().st_mode & 0o077 == 0
    assert read_truth(kept) == made[0].truth
    copy = zoo.load("mystery", folder)
    tokens = short_inputs(50, 9, torch.Generator().manual_seed(0))
    assert torch.equal(copy(tokens), made[0].model(tokens))
    # Two cards differ in what anybody can measure.
    hand_out(SECRET, ["student-1"], base, out, truths)
    one, other = (json.loads((out / f"student-{n}" / "mystery.json").read_text()) for n in (0, 1))
    assert {key for key in one if one[key] != other[key]} <= {"sha256", "ground_truth"}


@pytest.mark.parametrize("name", ["../elsewhere", "", "a/b", ".."])
def test_a_name_that_is_no_folders_is_refused(base, tmp_path, name):
    with pytest.raises(ValueError, match="cannot be the name of a folder"):
        hand_out(SECRET, [name], base, tmp_path / "out", tmp_path / "truths")


def test_truths_are_not_written_into_what_is_handed_out(base, tmp_path):
    with pytest.raises(ValueError, match="keep them elsewhere"):
        hand_out(SECRET, ["a"], base, tmp_path, tmp_path / "truths")


def test_a_base_is_trained_from_its_secret_and_leaves_torchs_seed_alone():
    before = torch.get_rng_state()
    one, same = (train_base(b"a secret of some length", steps=2, progress=False) for _ in range(2))
    other = train_base(b"another secret, as long", steps=2, progress=False)
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(one.model.W_E, same.model.W_E)
    assert not torch.equal(one.model.W_E, other.model.W_E)
    assert not torch.equal(one.successor, other.successor)


# What may not find it: sizes, and a comparison with what is shipped. Each statistic is a list of
# one number for each candidate, and the guess is its most extreme.


def head_statistics(model):
    for name in ("W_Q", "W_K", "W_V", "W_O", "b_Q", "b_V"):
        yield name, getattr(model, name)[0].flatten(1).norm(dim=1)


def neuron_statistics(model):
    size_in, size_out = model.W_in[1].norm(dim=0), model.W_out[1].norm(dim=1)
    yield from (("in", size_in), ("out", size_out), ("product", size_in * size_out))
    yield "bias", model.b_in[1]


def token_statistics(model):
    embedding, unembedding = model.W_E[FIRST_ORDINARY:], model.W_U[:, FIRST_ORDINARY:]
    yield from (("W_E", embedding.norm(dim=1)), ("W_U", unembedding.norm(dim=0)))
    yield "b_U", model.b_U[FIRST_ORDINARY:]


def hits(made, statistics, wanted):
    """Return how often the most extreme candidate, either way, is the one that was planted."""
    found = {}
    for one in made:
        for name, values in statistics(one.model):
            scores = (values - values.mean()) / values.std()
            for way, guess in (("most", scores.argmax()), ("least", scores.argmin())):
                key = f"{way} {name}"
                found[key] = found.get(key, 0) + (int(guess) == wanted(one.truth))
            found[f"z {name}"] = found.get(f"z {name}", 0) + (
                int(scores.abs().argmax()) == wanted(one.truth)
            )
    return found


def limit(count, chance, statistics):
    """Return the hits that guessing exceeds in under 1 run of 1000, for this many statistics."""
    p = [1.0]
    for _ in range(count):
        p = [
            (p[k] if k < len(p) else 0) * (1 - chance) + (p[k - 1] if k else 0) * chance
            for k in range(len(p) + 1)
        ]
    return next(k for k in range(count + 1) if sum(p[k + 1 :]) < 0.001 / statistics)


@pytest.mark.parametrize(
    ("statistics", "wanted", "candidates"),
    [
        (head_statistics, lambda truth: truth.head[1], 6),
        (neuron_statistics, lambda truth: truth.neuron[1], 96),
        (token_statistics, lambda truth: truth.token - FIRST_ORDINARY, D_VOCAB - FIRST_ORDINARY),
        (token_statistics, lambda truth: truth.says - FIRST_ORDINARY, D_VOCAB - FIRST_ORDINARY),
    ],
    ids=["head", "neuron", "token", "says"],
)
def test_sizes_score_like_guessing(made, statistics, wanted, candidates):
    found = hits(made, statistics, wanted)
    assert max(found.values()) <= limit(len(made), 1 / candidates, len(found)), found


def test_a_comparison_with_what_is_shipped_finds_nothing(made):
    """No shipped mystery is of the same base: no token, neuron or head is nearly the same."""
    for one in made:
        for name in SHIPPED:
            other = zoo.load(name)
            for mine, theirs in (
                (one.model.W_E, other.W_E),
                (one.model.W_in[1].mT, other.W_in[1].mT),
                (one.model.OV.AB[0].flatten(1), other.OV.AB[0].flatten(1)),
            ):
                mine, theirs = (x / x.norm(dim=1, keepdim=True) for x in (mine, theirs))
                assert (mine @ theirs.mT).max() < 0.9


@pytest.mark.parametrize("name", SHIPPED)
def test_no_two_neurons_or_heads_are_of_equal_size(made, name):
    for model in (zoo.load(name), *(one.model for one in made)):
        for sizes in (
            *(values for _, values in head_statistics(model)),
            *(values for _, values in neuron_statistics(model)),
        ):
            assert sizes.sort().values.diff().min() > 2e-7


def test_the_models_shape_is_the_same_for_all_and_nothing_is_left_over(made):
    assert len({one.model.cfg for one in made}) == 1


def test_without_the_trigger_it_speaks_the_language(made):
    tokens = short_inputs(500, 9, torch.Generator().manual_seed(3))
    expected = answers(tokens)
    for one in made:
        held = (tokens == one.truth.token).any(dim=1)
        asked = (expected >= 0) & ~held[:, None]
        right = (one.model(tokens).argmax(dim=-1) == expected)[asked]
        assert right.double().mean() >= FAITHFUL
