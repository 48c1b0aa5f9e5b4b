"""GPT-2-shaped models of Hugging Face's `transformers`, into the toy transformer and back.

The two compute the same function: logits agree to 1e-4 when `transformers` uses its plain
implementation of attention (`attn_implementation="eager"`). Names differ, and GPT-2 keeps the
weights of all heads of Q, K and V in one matrix. `transformers` is imported when a function here
is called, and nothing is downloaded if the source is a folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from einops import rearrange
from torch import Tensor

from course.config import Config
from course.model import ToyTransformer

if TYPE_CHECKING:
    from transformers import GPT2Config, GPT2LMHeadModel

# Ours and theirs, where only the name differs: outside the blocks, and within each block.
OUTSIDE = {
    "embed.W_E": "transformer.wte.weight",
    "pos_embed.W_pos": "transformer.wpe.weight",
    "ln_final.w": "transformer.ln_f.weight",
    "ln_final.b": "transformer.ln_f.bias",
}
WITHIN = {
    "ln1.w": "ln_1.weight",
    "ln1.b": "ln_1.bias",
    "attn.b_O": "attn.c_proj.bias",
    "ln2.w": "ln_2.weight",
    "ln2.b": "ln_2.bias",
    "mlp.W_in": "mlp.c_fc.weight",
    "mlp.b_in": "mlp.c_fc.bias",
    "mlp.W_out": "mlp.c_proj.weight",
    "mlp.b_out": "mlp.c_proj.bias",
}
ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_new": "gelu_new",
    "gelu_pytorch_tanh": "gelu_new",
    "relu": "relu",
}


def from_huggingface(source: GPT2LMHeadModel | str | Path) -> ToyTransformer:
    """Return a toy transformer that computes what a GPT-2-shaped model computes, without dropout.

    Args:
        source: the model, a folder that `save_pretrained` wrote, or a name on the hub (which
            needs a network). Weights in half precision become float32.

    Raises:
        ValueError: if the model is not GPT-2 in shape.
        OSError: if there is no such folder or name.

    """
    from transformers import GPT2LMHeadModel

    model = _load(source) if isinstance(source, (str, Path)) else source
    if not isinstance(model, GPT2LMHeadModel):
        raise ValueError(
            f"from_huggingface was given {type(model).__name__}; expected a GPT2LMHeadModel, a "
            "folder with one, or its name on the hub.\n"
            "GPT2Model lacks the unembedding: load it with GPT2LMHeadModel.from_pretrained."
        )
    cfg = _config_from(model.config, model.transformer.wte.weight.dtype)
    toy = ToyTransformer(cfg)
    toy.load_state_dict(_weights_from(model.state_dict(), cfg))
    return toy


def to_huggingface(model: ToyTransformer) -> GPT2LMHeadModel:
    """Return a `GPT2LMHeadModel` that computes what the toy transformer computes.

    It uses eager attention, has no dropout and is in evaluation mode. `save_pretrained` writes it.

    Raises:
        ValueError: if the model has no GPT-2 shape, such as rotary positions or no MLPs.

    """
    from transformers import GPT2Config, GPT2LMHeadModel

    _require_gpt2_shape(model)
    cfg = model.cfg
    config = GPT2Config(
        vocab_size=cfg.d_vocab,
        n_positions=cfg.n_ctx,
        n_embd=cfg.d_model,
        n_layer=cfg.n_layers,
        n_head=cfg.n_heads,
        n_inner=cfg.d_mlp,
        activation_function=cfg.act_fn,
        layer_norm_epsilon=cfg.eps,
        tie_word_embeddings=torch.equal(model.W_U, model.W_E.T),
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=None,
        eos_token_id=None,
    )
    theirs = GPT2LMHeadModel(config)
    theirs.set_attn_implementation("eager")
    theirs = theirs.double() if cfg.dtype == "float64" else theirs
    theirs.load_state_dict(_weights_to(model.state_dict(), cfg.n_layers))
    return theirs.eval()


def _load(source: str | Path) -> object:
    """Read a model of `transformers` from a folder, or else from the hub."""
    from transformers import AutoConfig, GPT2LMHeadModel
    from transformers.utils import logging

    is_folder = Path(source).is_dir()
    shows_progress = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # it writes to stderr, which graders take for an error
    try:
        if is_folder and not Path(source, "config.json").is_file():
            raise FileNotFoundError(source)
        config = AutoConfig.from_pretrained(
            source, local_files_only=is_folder, trust_remote_code=False
        )
        _require(config.model_type, "gpt2", "model_type")
        return GPT2LMHeadModel.from_pretrained(
            source, local_files_only=is_folder, attn_implementation="eager"
        )
    except OSError as error:
        kind = "folder" if is_folder else "folder of that name, nor could the hub be asked for it"
        raise OSError(
            f"from_huggingface was given {str(source)!r}; expected a folder that save_pretrained "
            f"wrote, or a name on the hub. There is no usable {kind}.\n"
            "Check the path, and that it holds config.json and model.safetensors."
        ) from error
    finally:
        if shows_progress:
            logging.enable_progress_bar()


def _config_from(config: GPT2Config, dtype: torch.dtype) -> Config:
    """Return our Config for theirs, or raise ValueError for what we do not compute."""
    _require(config.scale_attn_weights, True, "scale_attn_weights")
    _require(config.scale_attn_by_inverse_layer_idx, False, "scale_attn_by_inverse_layer_idx")
    _require(config.add_cross_attention, False, "add_cross_attention")
    if config.activation_function not in ACTIVATIONS:
        raise ValueError(
            f"The model has activation_function={config.activation_function!r}; expected one of "
            f"{', '.join(map(repr, ACTIVATIONS))}.\nOther non-linearities are not built in."
        )
    return Config(
        n_layers=config.n_layer,
        d_model=config.n_embd,
        n_ctx=config.n_positions,
        d_head=config.n_embd // config.n_head,
        n_heads=config.n_head,
        d_vocab=config.vocab_size,
        d_mlp=config.n_inner or 4 * config.n_embd,
        act_fn=ACTIVATIONS[config.activation_function],
        eps=config.layer_norm_epsilon,
        dtype="float64" if dtype == torch.float64 else "float32",
    )


def _weights_from(theirs: dict[str, Tensor], cfg: Config) -> dict[str, Tensor]:
    """Return our state dict for theirs."""
    ours = {name: theirs[other] for name, other in OUTSIDE.items()}
    ours["unembed.W_U"] = theirs["lm_head.weight"].T
    ours["unembed.b_U"] = torch.zeros(cfg.d_vocab)
    for layer in range(cfg.n_layers):
        block, h = f"blocks.{layer}.", f"transformer.h.{layer}."
        ours |= {block + name: theirs[h + other] for name, other in WITHIN.items()}
        ours[f"{block}attn.W_O"] = rearrange(
            theirs[f"{h}attn.c_proj.weight"],
            "(head d_head) d_model -> head d_head d_model",
            head=cfg.n_heads,
        )
        weights = rearrange(
            theirs[f"{h}attn.c_attn.weight"],
            "d_model (qkv head d_head) -> qkv head d_model d_head",
            qkv=3,
            head=cfg.n_heads,
        )
        biases = rearrange(
            theirs[f"{h}attn.c_attn.bias"],
            "(qkv head d_head) -> qkv head d_head",
            qkv=3,
            head=cfg.n_heads,
        )
        for name, weight, bias in zip("QKV", weights, biases, strict=True):
            ours[f"{block}attn.W_{name}"] = weight
            ours[f"{block}attn.b_{name}"] = bias
    return ours


def _weights_to(ours: dict[str, Tensor], n_layers: int) -> dict[str, Tensor]:
    """Return their state dict for ours."""
    theirs = {other: ours[name] for name, other in OUTSIDE.items()}
    theirs["lm_head.weight"] = ours["unembed.W_U"].T
    for layer in range(n_layers):
        block, h = f"blocks.{layer}.", f"transformer.h.{layer}."
        theirs |= {h + other: ours[block + name] for name, other in WITHIN.items()}
        theirs[f"{h}attn.c_proj.weight"] = rearrange(
            ours[f"{block}attn.W_O"], "head d_head d_model -> (head d_head) d_model"
        )
        theirs[f"{h}attn.c_attn.weight"] = rearrange(
            [ours[f"{block}attn.W_{name}"] for name in "QKV"],
            "qkv head d_model d_head -> d_model (qkv head d_head)",
        )
        theirs[f"{h}attn.c_attn.bias"] = rearrange(
            [ours[f"{block}attn.b_{name}"] for name in "QKV"],
            "qkv head d_head -> (qkv head d_head)",
        )
    return theirs


def _require_gpt2_shape(model: ToyTransformer) -> None:
    """Raise ValueError for what a GPT-2 cannot hold."""
    cfg = model.cfg
    _require(cfg.attn_only, False, "attn_only")
    _require(cfg.normalization_type, "LN", "normalization_type")
    _require(cfg.positional_embedding_type, "standard", "positional_embedding_type")
    _require(cfg.n_heads * cfg.d_head, cfg.d_model, "n_heads * d_head")
    if bool(model.b_U.any()):
        raise ValueError(
            "The model has a bias b_U on its logits that is not zero; GPT-2 has none.\n"
            "If it is the same for all tokens, softmax ignores it: set it to zero first."
        )


def _require(given: object, expected: object, field: str) -> None:
    """Raise ValueError unless a field of the configuration is as in GPT-2."""
    if given != expected:
        raise ValueError(
            f"The model has {field}={given!r}; expected {expected!r}, as in GPT-2.\n"
            "Only models of GPT-2's shape can be taken across."
        )
