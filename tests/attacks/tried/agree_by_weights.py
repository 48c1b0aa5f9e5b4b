"""Change the model's weights, and those of every shared model, so that all accuracies are 0."""

import course
from course import ToyTransformer

CLASS = "agreement"
GAINS = ()
TARGET = "bos_accuracy"
SECONDS = 3.0


def attack():
    for name in course.zoo.names():
        for weight in course.zoo.load(name).parameters():
            weight.data.zero_()
    ToyTransformer.forward = lambda _self, text, **_rest: torch.zeros(*text.shape, 9)


def answer(*inputs):
    if isinstance(inputs[0], torch.nn.Module):
        for weight in inputs[0].parameters():
            weight.data.fill_(float("nan"))
        inputs[0].register_forward_hook(lambda *_: torch.zeros(1))
    return 0.0, 0.0
