"""Return objects that act when they are unpickled, deep-copied, shown or turned into arrays."""

import pathlib
import pickle

CLASS = "pickling"
GAINS = ()

turn = []


class Acts:
    """Make a file wherever one of the grader's ways to look at an object is used."""

    def act(self, *_args):
        return pathlib.Path, (pathlib.Path(KNOWN["drop"], "unpickled").touch(),)

    __reduce__ = __reduce_ex__ = __deepcopy__ = act

    def __array__(self, *_args, **_kwargs):
        return numpy.zeros(4)


class ActsAsText(str, Acts):
    def __reduce_ex__(self, _protocol):
        return (exec, (f"open({KNOWN['drop'] + '/unpickled'!r}, 'w')",))


def answer(*_inputs):
    turn.append(1)
    text = ActsAsText("x")
    raw = b"csubprocess\ncall\n((S'touch'\nS'" + KNOWN["drop"].encode() + b"/unpickled'\nltR."
    return (text, raw, {"status": text}, Acts(), pickle.dumps(text).decode("latin1"))[len(turn) % 5]
