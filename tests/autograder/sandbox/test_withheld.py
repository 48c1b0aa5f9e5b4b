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


class TestHelpers:
    """What a withheld function is made of would be the answer too."""

    @pytest.fixture
    def ask(self, confined):
        source = """
            import course.zoo as zoo, gc, sys
            import course.zoo.induction_by_hand as by_hand
            import course.zoo.measures, course.zoo.scores, course.zoo.recipes
            def run(code):
                try:
                    return ["value", repr(eval(code))[:300]]
                except (Exception, SystemExit) as error:
                    return [type(error).__name__, str(error)]
        """
        names = ("course.zoo.induction_by_hand.build", "course.zoo.measures.measure_induction")
        student = confined(source, withheld=names)
        return lambda code: student.call("run", {"code": code}).value

    @pytest.mark.parametrize(
        "code",
        [
            "by_hand._induce({}, None, 1.0, 1.0)",
            "by_hand.Layout(3, 4)",
            "by_hand._make(0, 0, False)",
            "by_hand.RECIPE.make",
            "course.zoo.recipes.recipe('induction_by_hand').make",
            "course.zoo.recipes.recipe('induction_2l').measure(1)",
            "course.zoo.measures._scores(1, 2)",
        ],
    )
    def test_they_are_gone_too(self, ask, code):
        kind, text = ask(code)
        assert (kind, SAYS in text) == ("WithheldError", True)

    def test_a_class_that_is_found_again_is_empty(self, ask):
        found = "[one for one in object.__subclasses__() if one.__name__ == 'Layout']"
        assert ask(f"[name for one in {found} for name in vars(one) if name[0] != '_']") == [
            "value",
            "[]",
        ]

    def test_functions_are_not_lying_about(self, ask):
        assert ask("gc.unfreeze()") == ["value", "None"]
        functions = "[o for o in gc.get_objects() if type(o) is type(run)]"
        names = "('_induce', '_look_back', '_scores', 'build')"
        modules = "('course.zoo.induction_by_hand', 'course.zoo.measures')"
        assert ask(f"len({functions}) > 1000") == ["value", "True"]
        of_these = f"o.__qualname__ in {names} and o.__module__ in {modules}"
        assert ask(f"[o for o in {functions} if {of_these}]") == ["value", "[]"]

    @pytest.mark.parametrize(
        "code",
        [
            "zoo.load('induction_by_hand').cfg.n_layers",
            "zoo.load('induction_2l').cfg.n_layers",
            "zoo.disguise(zoo.load('induction_by_hand'), 1).model.cfg.n_layers",
        ],
    )
    def test_the_zoo_still_loads(self, ask, code):
        assert ask(code) == ["value", "2"]

    def test_scores_are_there_where_they_are_not_withheld(self, ask):
        assert ask("course.zoo.scores.induction_score.__name__") == ["value", "'induction_score'"]


def test_only_where_it_is_withheld(confined):
    other = confined("from course.zoo import repeated_tokens as f")
    assert other.call("f", {}).message.startswith("TypeError")


def test_names_that_do_not_exist_are_our_mistake(confined):
    from autograder.sandbox import SandboxError

    with pytest.raises(SandboxError, match="no_such"):
        confined("x = 1", withheld=["course.zoo.no_such"])
