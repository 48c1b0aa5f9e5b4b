"""References that are missing, damaged or of another version are told in one line."""

import json
import shutil

import pytest

from autograder.frames import encode
from autograder.recorded import FOLDER, RecordingError, load_lab, near_match, recorded_labs
from autograder.values import Zoo, flatten, unflatten
from course import zoo

LAB = "m0_toy_transformer"


@pytest.fixture
def folder(tmp_path):
    for suffix in (".json", ".safetensors"):
        shutil.copy(FOLDER / f"{LAB}{suffix}", tmp_path)
    return tmp_path


def edit(folder, **changes):
    path = folder / f"{LAB}.json"
    data = json.loads(path.read_text())
    path.write_text(json.dumps({**data, **changes}))


def test_a_copy_loads_and_has_the_same_exercises(folder):
    copied = load_lab(LAB, folder)
    assert [one.id for one in copied.exercises] == [one.id for one in load_lab(LAB).exercises]


def test_every_access_to_a_case_gives_new_values():
    case = load_lab(LAB).exercise("mlp").cases[0]
    case.inputs["x"].zero_()
    assert case.inputs["x"].abs().sum() > 0
    case.expected.zero_()
    assert case.expected.abs().sum() > 0


def test_packed_inputs_are_the_inputs():
    for exercise in load_lab(LAB).exercises:
        case = exercise.cases[0]
        assert list(case.packed) == list(case.inputs)
        assert encode("call", list(case.packed.values())) == encode(
            "call", list(case.inputs.values())
        )


def test_another_version_names_both(folder):
    edit(folder, schema="glassbox/references/v9")
    with pytest.raises(RecordingError, match=r"schema 'glassbox/references/v9', but .*/v1"):
        load_lab(LAB, folder)


def test_files_of_two_recordings_are_told_apart(folder):
    (folder / f"{LAB}.safetensors").write_bytes(b"something else")
    with pytest.raises(RecordingError, match="not of the same recording"):
        load_lab(LAB, folder)


def test_damaged_and_missing_files(folder):
    (folder / f"{LAB}.safetensors").unlink()
    with pytest.raises(RecordingError, match="cannot be read"):
        load_lab(LAB, folder)
    (folder / "other.json").write_text("{")
    with pytest.raises(RecordingError, match="cannot be read"):
        load_lab("other", folder)


def test_unknown_names_suggest_the_near_match():
    with pytest.raises(RecordingError, match="did you mean 'm0_toy_transformer'"):
        load_lab("m0_toy_transfomer")
    with pytest.raises(RecordingError, match="did you mean 'layer_norm'"):
        load_lab(LAB).exercise("layernorm")
    assert near_match("zzz", recorded_labs()) == ""


def test_a_zoo_model_of_another_version_is_refused():
    tree, tensors = flatten(Zoo.named("induction_by_hand"))
    assert unflatten(tree, tensors, trusted=True).cfg == zoo.load("induction_by_hand").cfg
    tree["sha256"] = "0" * 64
    with pytest.raises(ValueError, match="of different versions; install them together"):
        unflatten(tree, tensors, trusted=True)
