"""Cards hold, and a model that is not what its card says is found out."""

from __future__ import annotations

import json
import shutil

import pytest
import torch

from course import zoo
from course.zoo import UnknownModelError, check, making, store


@pytest.fixture
def folder(tmp_path):
    """A copy of one shipped model, to be tampered with."""
    for suffix in ("safetensors", "json"):
        shutil.copy(store.WEIGHTS / f"induction_by_hand.{suffix}", tmp_path)
    return tmp_path


def failed(rows) -> set[str]:
    return {row.claim for row in rows if not row.ok}


def test_every_shipped_model_matches_its_card():
    rows = check.check()
    assert rows.keys() >= set(zoo.names())
    for name, of_model in rows.items():
        assert failed(of_model) == set(), name
        assert len(of_model) >= 4, name
    promised = {row.claim for row in rows["induction_2l"]}
    assert {"sha256 of the weights", "highest induction score, bounds"} <= promised


def test_other_weights_are_found_out(folder):
    model = zoo.load("induction_by_hand", folder)
    with torch.no_grad():
        model.get_parameter("blocks.1.attn.W_O").zero_()
    store.save("induction_by_hand", model, folder)
    wrong = failed(zoo.check_card("induction_by_hand", folder))
    assert {"sha256 of the weights", "accuracy", "accuracy, bounds"} <= wrong
    assert "config" not in wrong


def test_a_card_that_claims_too_much_is_found_out(folder):
    path = folder / "induction_by_hand.json"
    facts = json.loads(path.read_text())
    facts["ground_truth"]["accuracy without BOS, period 8"] = 0.9
    facts["ground_truth"]["induction heads"] = "0.0 1.0"
    facts["ground_truth"]["wisdom"] = 1.0
    path.write_text(json.dumps(facts))
    wrong = failed(zoo.check_card("induction_by_hand", folder))
    assert wrong == {"accuracy without BOS, period 8", "induction heads", "wisdom"}


def test_measure_returns_the_claims_of_the_card():
    measured = zoo.measure("induction_by_hand")
    assert measured.keys() == zoo.card("induction_by_hand")["ground_truth"].keys()
    assert measured["induction heads"] == "1.0"


def test_train_writes_weights_and_a_card_that_holds(tmp_path):
    path = zoo.train("induction_2l", seed=4, steps=2, out=tmp_path / "new", progress=False)
    assert path == tmp_path / "new" / "induction_2l.safetensors"
    card = zoo.card("induction_2l", path.parent)
    assert (card["seed"], card["steps"], card["licence"]) == (4, 2, "MIT")
    rows = zoo.check_card("induction_2l", path.parent)
    broken = failed(rows)
    assert broken, "two steps train nothing"
    assert all(claim.endswith(", bounds") for claim in broken)


def test_train_leaves_the_shipped_files_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = zoo.sha256("induction_by_hand")
    path = zoo.train("induction_by_hand")
    assert path == making.OUT / "induction_by_hand.safetensors"
    assert path.resolve().is_relative_to(tmp_path)
    assert zoo.sha256("induction_by_hand") == before == zoo.sha256("induction_by_hand", path.parent)


@pytest.mark.parametrize("function", [zoo.train, zoo.measure, zoo.check_card])
def test_unknown_names_are_refused(function):
    with pytest.raises(UnknownModelError, match="Did you mean 'induction_2l'"):
        function("induction_2")
