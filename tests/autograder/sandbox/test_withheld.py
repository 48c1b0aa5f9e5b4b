"""Instruments that are the exercise: gone by every name, and their source with them."""

import pytest

WITHHELD = ("course.zoo.repeated_tokens", "course.ToyTransformer.run_with_cache")
SAYS = "write it yourself"


@pytest.fixture
def student(confined):
    source = """
        import course, importlib, inspect, sys, gc, linecache
        import course.zoo as zoo
        from course.zoo import repeated_tokens
        def run(code):
            try:
                return ["value", repr(eval(code))[:300]]
            except (Exception, SystemExit) as error:
                return [type(error).__name__, str(error)]
    """
    return confined(source, withheld=WITHHELD)


@pytest.mark.parametrize(
    "code",
    [
        "zoo.repeated_tokens(2, 3, 4)",
        "repeated_tokens(1, 2, 3)",
        "course.zoo.repeated_tokens.anything",
        "importlib.import_module('course.zoo.repeated').repeated_tokens(1)",
        "sys.modules['course.zoo.repeated'].__dict__['repeated_tokens'](1)",
        "course.ToyTransformer.run_with_cache(1)",
        "course.model.ToyTransformer.run_with_cache(1)",
    ],
)
def test_using_it_says_whose_work_it_is(student, code):
    kind, text = student.call("run", {"code": code}).value
    assert kind == "WithheldError"
    assert SAYS in text
    assert "course." in text


@pytest.mark.parametrize(
    "code",
    [
        "importlib.reload(sys.modules['course.zoo.repeated'])",
        "inspect.getsource(sys.modules['course.zoo.repeated'])",
        "open(sys.modules['course.zoo.repeated'].__file__).read()",
        "sys.modules['course.zoo.repeated'].__spec__.loader.get_code('course.zoo.repeated')",
        "sys.modules['course.zoo.repeated'].__loader__.get_source('course.zoo.repeated')",
        "sys.modules.pop('course.zoo.repeated') and importlib.import_module('course.zoo.repeated')",
    ],
)
def test_its_source_is_out_of_sight(student, code):
    assert student.call("run", {"code": code}).value[0] in (
        "OSError",
        "PermissionError",
        "ImportError",
        "FileNotFoundError",
        "ModuleNotFoundError",
    )


def test_the_original_is_not_lying_about(student):
    code = "[o for o in gc.get_objects() if getattr(o, '__qualname__', 0) == 'repeated_tokens']"
    assert student.call("run", {"code": code}).value == ["value", "[]"]


def test_the_rest_of_course_works(student):
    assert student.call("run", {"code": "zoo.load('induction_by_hand').cfg.n_layers"}).value[0] == (
        "value"
    )
    assert student.call("run", {"code": "len(inspect.getsource(course.cache)) > 0"}).value == [
        "value",
        "True",
    ]


def test_only_where_it_is_withheld(confined):
    other = confined("from course.zoo import repeated_tokens as f")
    assert other.call("f", {}).message.startswith("TypeError")


def test_names_that_do_not_exist_are_our_mistake(confined):
    from autograder.sandbox import SandboxError

    with pytest.raises(SandboxError, match="no_such"):
        confined("x = 1", withheld=["course.zoo.no_such"])
