"""Time our instruments and a peer's in turns, in the peer's environment; print JSON.

    python -m autograder.bench.lens_worker transformer_lens_3 15

Both work on the same weights and inputs in one process, and have to agree before they are timed.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr
from dataclasses import dataclass
from io import StringIO
from itertools import repeat
from typing import Any

import torch

from autograder.bench import lens_bare, lens_weights
from course import Config, ToyTransformer

TOY = Config(n_layers=2, d_model=64, n_ctx=32, d_head=16, n_heads=4, d_vocab=64, seed=1)
GPT2_SMALL = Config(
    n_layers=12,
    d_model=768,
    n_ctx=1024,
    d_head=64,
    n_heads=12,
    d_vocab=50257,
    act_fn="gelu_new",
    seed=1,
)
GPT2_POS = 128
SAE_SHAPE: dict[str, Any] = {"d_in": 64, "d_sae": 512}
SAE_BATCH, SAE_STEPS, SAE_TOKENS = 256, 100, 8192
SLICE_SECONDS = 0.05  # each is repeated for so long in every round


@dataclass(frozen=True)
class Work:
    """The same work done by us and by a peer, beside its bare matrix products.

    Attributes:
        name: what it is.
        ours, peer, bare: functions that do it.
        times: how often `ours` and `peer` do it in one call.

    """

    name: str
    ours: Callable[[], Any]
    peer: Callable[[], Any]
    bare: Callable[[], Any]
    times: int = 1


def transformer_lens(translate: Callable[[ToyTransformer], Any]) -> Iterator[Work]:
    """Yield forward passes, caches and a sweep of 256 cells, at toy size."""
    from transformer_lens import patching  # pyright: ignore[reportMissingImports]

    from course.patching import denoising
    from course.sites import grid

    model = ToyTransformer.random(TOY)
    theirs = translate(model)
    clean, corrupted = torch.randint(TOY.d_vocab, (2, 1, TOY.n_ctx))
    agree(model(clean), theirs(clean))
    bare = lens_bare.forward(TOY, 1, TOY.n_ctx)
    yield Work("forward", lambda: model(clean), lambda: theirs(clean), bare)
    yield Work(
        "run_with_cache",
        lambda: model.run_with_cache(clean),
        lambda: theirs.run_with_cache(clean),
        bare,
    )

    def last_logits(logits: torch.Tensor) -> torch.Tensor:
        return logits[:, -1, 3] - logits[:, -1, 5]

    sites = grid(model, "z", "layer pos head", n_pos=TOY.n_ctx)
    assert len(sites.sites) == 256

    def our_sweep() -> torch.Tensor:
        return denoising(model, clean, corrupted, sites, last_logits).values

    def their_sweep() -> torch.Tensor:
        _, cache = theirs.run_with_cache(clean)
        return patching.get_act_patch_attn_head_out_by_pos(
            theirs, corrupted, cache, lambda logits: last_logits(logits)[0]
        )

    with redirect_stderr(StringIO()):  # its progress bar
        agree(our_sweep()[..., 0], their_sweep())
        one = lens_bare.forward(TOY, 256, TOY.n_ctx)
        yield Work("sweep", our_sweep, their_sweep, one)


def transformers() -> Iterator[Work]:
    """Yield the forward pass at the shape of GPT-2 small, with random weights."""
    from course.huggingface import to_huggingface

    model = ToyTransformer.random(GPT2_SMALL)
    model.unembed.b_U.data.zero_()
    theirs = to_huggingface(model)
    tokens = torch.randint(GPT2_SMALL.d_vocab, (1, GPT2_POS))
    agree(model(tokens), theirs(tokens, use_cache=False).logits)
    yield Work(
        "forward_gpt2",
        lambda: model(tokens),
        lambda: theirs(tokens, use_cache=False),
        lens_bare.forward(GPT2_SMALL, 1, GPT2_POS),
    )


def sae_lens() -> Iterator[Work]:
    """Yield steps of training an SAE, with a price on latents and with TopK."""
    from sae_lens import (  # pyright: ignore[reportMissingImports]
        StandardTrainingSAE,
        StandardTrainingSAEConfig,
        TopKTrainingSAE,
        TopKTrainingSAEConfig,
    )
    from sae_lens.config import SAETrainerConfig  # pyright: ignore[reportMissingImports]
    from sae_lens.training.sae_trainer import SAETrainer  # pyright: ignore[reportMissingImports]

    from course.sae import SAEConfig
    from course.sae_training import train_sae

    data = torch.randn(SAE_TOKENS, SAE_SHAPE["d_in"])
    options = {"steps": SAE_STEPS, "batch_size": SAE_BATCH, "progress": False}
    standard = StandardTrainingSAE, StandardTrainingSAEConfig(**SAE_SHAPE, l1_coefficient=0.1)
    topk = TopKTrainingSAE, TopKTrainingSAEConfig(**SAE_SHAPE, k=16)

    def ours(cfg: SAEConfig, sparsity: float) -> None:
        with torch.enable_grad():
            train_sae(cfg, data, sparsity=sparsity, **options)

    def theirs(kind: Any, cfg: Any) -> None:
        settings = SAETrainerConfig(
            total_training_samples=SAE_STEPS * SAE_BATCH,
            train_batch_size_samples=SAE_BATCH,
            lr=1e-3,
            lr_end=1e-3,
        )
        with torch.enable_grad(), redirect_stderr(StringIO()):
            SAETrainer(settings, kind(cfg), shuffled(data)).fit()

    bare = lens_bare.sae_step(**SAE_SHAPE, batch=SAE_BATCH)
    for name, cfg, price, peer in (
        ("sae_standard", SAEConfig("standard", **SAE_SHAPE), 0.1, standard),
        ("sae_topk", SAEConfig("topk", **SAE_SHAPE, k=16), 0.0, topk),
    ):
        yield Work(
            name,
            lambda cfg=cfg, price=price: ours(cfg, price),
            lambda peer=peer: theirs(*peer),
            bare,
            times=SAE_STEPS,
        )


def cache_memory() -> dict[str, Any]:
    """Return the MB that a cache keeps, and those of its tensors.

    A tensor that is a part of a larger piece of memory keeps all of it. Neighbours that are one
    tensor count once.
    """
    model = ToyTransformer.random(GPT2_SMALL)
    _, cache = model.run_with_cache(torch.randint(GPT2_SMALL.d_vocab, (1, GPT2_POS)))
    kept: dict[int, int] = {}
    tensors: dict[int, int] = {}
    for tensor in cache.values():
        storage = tensor.untyped_storage()
        where, size = storage.data_ptr(), tensor.numel() * tensor.element_size()
        kept[where] = storage.nbytes()
        tensors[where] = max(size, tensors.get(where, 0))
    kept_mb, tensors_mb = (sum(sizes.values()) / 1e6 for sizes in (kept, tensors))
    return {"name": "cache_gpt2", "ours": kept_mb, "limit": tensors_mb}


def shuffled(data: torch.Tensor) -> Iterator[torch.Tensor]:
    """Yield batches without end, in a new order each time round, as `train_sae` takes them."""
    for _ in repeat(None):
        for chosen in torch.randperm(len(data)).split(SAE_BATCH):
            yield data[chosen]


def agree(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    """Check that two results are one, up to rounding."""
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


def timed(work: Work, rounds: int) -> dict[str, Any]:
    """Return seconds of each, measured in turns so that a busy machine is unfair to none."""
    functions = {"ours": work.ours, "peer": work.peer, "bare": work.bare}
    times = {"ours": work.times, "peer": work.times, "bare": 1}
    calls = {name: calls_in_a_slice(function) for name, function in functions.items()}
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            started = time.perf_counter()
            for _ in range(calls[name]):
                function()
            spent = time.perf_counter() - started
            seconds[name].append(spent / calls[name] / times[name])
    return {"name": work.name, **seconds, "limit": seconds.pop("bare")}


def calls_in_a_slice(function: Callable[[], Any]) -> int:
    """Return how many calls take about `SLICE_SECONDS`; the first ones are warming up."""
    function()
    started = time.perf_counter()
    function()
    return max(1, math.ceil(SLICE_SECONDS / (time.perf_counter() - started)))


ENVIRONMENTS: dict[str, Callable[[], Iterator[Work]]] = {
    "transformer_lens_3": lambda: transformer_lens(lens_weights.hooked_transformer),
    "transformer_lens_4": lambda: transformer_lens(lens_weights.bridge),
    "transformers": transformers,
    "sae_lens": sae_lens,
}


def main(environment: str, rounds: str) -> None:
    """Measure all that there is to measure in this environment."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with torch.no_grad():
        if environment == "cache":
            measured = [cache_memory()]
        else:
            measured = [timed(work, int(rounds)) for work in ENVIRONMENTS[environment]()]
    sys.stdout.write("\n" + json.dumps(measured) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
