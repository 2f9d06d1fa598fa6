"""Small models of transformers, with random weights that make maps far from uniform, and their inputs."""

import torch
import transformers

IDS = torch.arange(14).view(2, 7) + 3
PADDED = torch.tensor([[1, 1, 1, 1, 1, 0, 0], [1] * 7])
IMAGE = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))

TOKENS = {"vocab_size": 40, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 32}
TEXT = {**TOKENS, **SIZES, "max_position_embeddings": 32}
GROUPED = {**TEXT, "num_key_value_heads": 2, "head_dim": 8}
VISION = {**SIZES, "image_size": 32, "patch_size": 8}
GPT = {**TOKENS, "n_embd": 32, "n_layer": 2, "n_head": 4}
PAIR = {
    **TOKENS,
    "d_model": 32,
    **{
        f"{side}_{name}": size
        for side in ("encoder", "decoder")
        for name, size in (("layers", 1), ("attention_heads", 4), ("ffn_dim", 32))
    },
    "decoder_start_token_id": 1,
}
BOTH = {"input_ids": IDS, "decoder_input_ids": IDS[:, :5]}
ONE = {"input_ids": IDS}
SOME = {"input_ids": IDS, "attention_mask": PADDED}
SEEN = {"pixel_values": IMAGE}

ALONE, PAIRED = ("attentions",), ("encoder_attentions", "decoder_attentions cross_attentions")

EXPERTS = {"num_local_experts": 4, "num_experts_per_tok": 2}
T5 = {"d_model": 32, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 4, "decoder_start_token_id": 0}
WINDOWS = {"patch_size": 4, "embed_dim": 16, "depths": [1, 1], "num_heads": [2, 4], "window_size": 4}

# class: what its config is given, what it is called with, and the outputs that hold its attentions, in the
# order of execution (two in one text alternate)
MODELS = {
    "AlbertModel": (TEXT | {"embedding_size": 16}, SOME, ALONE),
    "BertModel": (TEXT, SOME, ALONE),
    "DebertaV2Model": (TEXT | {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]}, SOME, ALONE),
    "DistilBertModel": (TOKENS | {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 32}, SOME, ALONE),
    "ElectraModel": (TEXT | {"embedding_size": 16}, ONE, ALONE),
    "RoFormerModel": (TEXT | {"embedding_size": 32}, ONE, ALONE),
    "BloomModel": (TOKENS | {"hidden_size": 32, "n_layer": 2, "n_head": 4}, SOME, ALONE),
    "CodeGenModel": (GPT | {"n_positions": 32, "rotary_dim": 4, "n_inner": 32}, ONE, ALONE),
    "FalconModel": (TEXT | {"multi_query": True, "new_decoder_architecture": False}, ONE, ALONE),
    "GPT2Model": (GPT | {"n_positions": 32}, SOME, ALONE),
    "GPTNeoXModel": (TEXT, ONE, ALONE),
    "GPTJModel": (GPT | {"n_positions": 32, "rotary_dim": 4}, ONE, ALONE),
    "LlamaModel": (GROUPED, SOME, ALONE),
    "MistralModel": (GROUPED | {"sliding_window": 3}, ONE, ALONE),
    "MixtralModel": (GROUPED | EXPERTS, ONE, ALONE),
    "Gemma2Model": (GROUPED | {"sliding_window": 4, "attn_logit_softcapping": 5.0}, ONE, ALONE),
    "GptOssModel": (
        GROUPED | EXPERTS | {"sliding_window": 4},
        ONE,
        ALONE,
    ),
    "MptModel": (TOKENS | {"d_model": 32, "n_heads": 4, "n_layers": 2, "max_seq_len": 32}, ONE, ALONE),
    "OPTModel": (TEXT | {"ffn_dim": 32, "word_embed_proj_dim": 32}, SOME, ALONE),
    "PhiModel": (TEXT, ONE, ALONE),
    "Qwen3Model": (GROUPED, ONE, ALONE),
    "BartModel": (PAIR, BOTH, PAIRED),
    "T5Model": (TOKENS | T5, BOTH, PAIRED),
    "ViTModel": (VISION, SEEN, ALONE),
    "DeiTModel": (VISION, SEEN, ALONE),
    "Dinov2Model": (VISION, SEEN, ALONE),
    "BeitModel": (VISION | {"use_relative_position_bias": True}, SEEN, ALONE),
    "SwinModel": (WINDOWS | {"image_size": 32}, SEEN, ALONE),
}


def build(name, attention=None):
    """Return a model, in eval mode."""
    model_class = getattr(transformers, name)
    options, inputs, fields = MODELS[name]
    config = model_class.config_class(**options)
    torch.manual_seed(0)
    model = model_class._from_config(config, **({"attn_implementation": attention} if attention else {}))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.copy_(torch.randn(weight.shape, generator=generator) * 1.2 / weight.shape[-1] ** 0.5)
    return model.eval(), inputs, fields


def own_attentions(name):
    """Return the maps that the eager model returns, in the order of execution, from the same weights."""
    model, inputs, fields = build(name, "eager")
    with torch.no_grad():
        output = model(**inputs, output_attentions=True)
    for field in fields:
        for layer in zip(*(getattr(output, part) for part in field.split()), strict=True):
            yield from layer
