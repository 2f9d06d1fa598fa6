"""What a recording must leave as it found it."""

import torch
from torch.nn import functional

NAMES = """
    _softmax scaled_dot_product_attention _scaled_dot_product_flash_attention_for_cpu bmm mm addmm baddbmm
    exp copy_ mul.Tensor add.Tensor masked_fill.Scalar native_dropout _native_multi_head_attention
    _transformer_encoder_layer_fwd
"""
OPERATORS = [f"aten::{name}" for name in NAMES.split()]
HOOKS = [name for name in vars(torch.nn.Identity()) if name.endswith("_hooks")]


def state_of(model):
    """Return kernels, code, hooks, classes and modes, to be compared with `==`."""
    modules = list(model.modules())
    return {
        "kernels": [torch._C._dispatch_dump(name) for name in OPERATORS],
        "code": [getattr(type(module).forward, "__code__", None) for module in modules],
        "functions": [functional.softmax, functional.scaled_dot_product_attention, torch.softmax, torch.bmm],
        "hooks": [len(getattr(module, name)) for module in modules for name in HOOKS],
        "names": [sorted(vars(module)) for module in modules],
        "classes": [type(module) for module in modules],
        "modes": (torch._C._len_torch_function_stack(), torch._C._len_torch_dispatch_stack()),
        "fast path": torch.backends.mha.get_fastpath_enabled(),
        "training": [module.training for module in modules],
    }
