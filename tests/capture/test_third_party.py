"""Kernels of other libraries, as operators of the same schemas that compute attention on the CPU."""

import math
import re

import pytest
import torch
from torch import nn

import visualizer
from visualizer.errors import VisualizerError

OPERATORS = """
flash_attn::_flash_attn_forward(Tensor q, Tensor k, Tensor v, float dropout_p, float softmax_scale,
    bool causal, SymInt window_size_left, SymInt window_size_right, float softcap, Tensor?
    alibi_slopes, bool return_softmax) -> (Tensor, Tensor, Tensor, Tensor)
flash_attn::_flash_attn_varlen_forward(Tensor q, Tensor k, Tensor v, Tensor cu_seqlens_q, Tensor
    cu_seqlens_k, SymInt max_seqlen_q, SymInt max_seqlen_k, float dropout_p, float softmax_scale,
    bool causal, SymInt window_size_left=-1, SymInt window_size_right=-1, float softcap=0.0, Tensor?
    alibi_slopes=None, bool return_softmax=False, Tensor? block_table=None, Tensor? leftpad_k=None,
    Tensor? seqused_k=None, bool zero_tensors=False) -> (Tensor, Tensor, Tensor, Tensor)
flash_attn_3::fwd(Tensor q, Tensor k, Tensor v, Tensor(k_new!)? k_new=None, Tensor(v_new!)?
    v_new=None, Tensor? q_v=None, Tensor(out!)? out=None, Tensor? cu_seqlens_q=None, Tensor?
    cu_seqlens_k=None, Tensor? cu_seqlens_k_new=None, Tensor? seqused_q=None, Tensor?
    seqused_k=None, int? max_seqlen_q=None, int? max_seqlen_k=None, Tensor? page_table=None, Tensor?
    kv_batch_idx=None, Tensor? leftpad_k=None, Tensor? rotary_cos=None, Tensor? rotary_sin=None,
    Tensor? seqlens_rotary=None, Tensor? q_descale=None, Tensor? k_descale=None, Tensor?
    v_descale=None, float? softmax_scale=None, bool is_causal=False, int window_size_left=-1, int
    window_size_right=-1, int attention_chunk=0, float softcap=0.0, bool
    is_rotary_interleaved=False, Tensor? scheduler_metadata=None, int num_splits=0, bool?
    pack_gqa=None, int sm_margin=0) -> (Tensor, Tensor, Tensor, Tensor)
xformers_flash::flash_fwd(Tensor query, Tensor key, Tensor value, Tensor? cu_seqlens_q, Tensor?
    cu_seqlens_k, Tensor? seqused_k, SymInt max_seqlen_q, SymInt max_seqlen_k, float p, float
    softmax_scale, bool is_causal, SymInt window_left, SymInt window_right, bool return_softmax,
    Tensor? block_tables) -> (Tensor, Tensor, Tensor)
xformers::efficient_attention_forward_cutlass(Tensor query, Tensor key, Tensor value, Tensor? bias,
    Tensor? cu_seqlens_q, Tensor? cu_seqlens_k, int? max_seqlen_q, int? max_seqlen_k, float
    dropout_p, int custom_mask_type, bool compute_log_sumexp=False, *, float? scale=None, Tensor?
    seqlen_k=None, int? window_size=None) -> (Tensor, Tensor, Tensor, Tensor, SymInt, SymInt)
_flash_attn2_588b404::fwd(Tensor(q!) q, Tensor k, Tensor v, Tensor(out_!)? out_, Tensor?
    alibi_slopes_, float p_dropout, float softmax_scale, bool is_causal, int window_size_left, int
    window_size_right, float softcap, bool return_softmax, Generator? gen_) -> Tensor[]
_flash_attn2_588b404::varlen_fwd(Tensor(q!) q, Tensor k, Tensor v, Tensor? out_, Tensor
    cu_seqlens_q, Tensor cu_seqlens_k, Tensor? seqused_k_, Tensor? leftpad_k_, Tensor? block_table_,
    Tensor? alibi_slopes_, int max_seqlen_q, int max_seqlen_k, float p_dropout, float softmax_scale,
    bool zero_tensors, bool is_causal, int window_size_left, int window_size_right, float softcap,
    bool return_softmax, Generator? gen_) -> Tensor[]
_flash_attn2_588b404::fwd_kvcache(Tensor(q!) q, Tensor kcache, Tensor vcache, Tensor? k, Tensor? v,
    Tensor? seqlens_k, float softmax_scale, bool is_causal) -> Tensor[]
"""
SCHEMAS = dict(re.findall(r"^(\S+?)(\(.*)$", re.sub(r"\n +", " ", OPERATORS), re.MULTILINE))
HUB = "_flash_attn2_588b404"
STARTS_Q, STARTS_K = torch.tensor([0, 3, 3, 8]), torch.tensor([0, 4, 6, 13])


def attend(q, k, v, *, scale, left=-1, right=-1, corner=None, cap=0.0, slopes=None, bias=None):
    """Attention of one sequence (length, head, d), by loops over what each query sees; its map too."""
    heads, group, shift = q.shape[1], q.shape[1] // k.shape[1], len(k) - len(q)
    weights = torch.zeros(heads, len(q), len(k))
    for head in range(heads):
        for i in range(len(q)):
            at = i + (0 if corner == "top" else shift)
            seen = [
                j for j in range(len(k)) if (left < 0 or j >= at - left) and (right < 0 or j <= at + right)
            ]
            if not seen:
                continue
            scores = torch.stack([(q[i, head] * k[j, head // group]).sum() * scale for j in seen])
            scores = cap * torch.tanh(scores / cap) if cap else scores
            for place, j in enumerate(seen):
                scores[place] -= 0 if slopes is None else slopes[head] * abs(i + shift - j)
                scores[place] += 0 if bias is None else bias[head, i, j]
            weights[head, i, seen] = scores.softmax(0)
    return torch.einsum("hij,jhd->ihd", weights, v.repeat_interleave(group, 1)), weights


def attend_all(q, k, v, starts=None, used=None, slopes=None, bias=None, **options):
    """The same for a batch, or for sequences packed into one."""
    if starts is None:
        parts = [
            attend(
                *(tensor[b] for tensor in (q, k, v)),
                slopes=slopes if slopes is None or slopes.dim() == 1 else slopes[b],
                bias=None if bias is None else bias[b],
                **options,
            )
            for b in range(len(q))
        ]
        return torch.stack([part[0] for part in parts]), torch.stack([part[1] for part in parts])
    wide = q.dim() == 4
    q, k, v = (tensor[0] if wide else tensor for tensor in (q, k, v))
    output, whole = torch.zeros(len(q), q.shape[1], v.shape[-1]), torch.zeros(q.shape[1], len(q), len(k))
    for s in range(len(starts[0]) - 1):
        rows, first = slice(*starts[0][s : s + 2].tolist()), int(starts[1][s])
        columns = slice(first, int(starts[1][s + 1]) if used is None else first + int(used[s]))
        output[rows], whole[:, rows, columns] = attend(
            q[rows], k[columns], v[columns], slopes=slopes, **options
        )
    return (output[None] if wide else output), whole[None]


def window(causal, left, right):
    return {"left": int(left), "right": 0 if causal else int(right)}


def dense(q, k, v, p, scale, causal, left, right, cap, slopes, _softmax):
    found = attend_all(q, k, v, scale=scale, cap=cap, slopes=slopes, **window(causal, left, right))
    return found[0].clone(), *(torch.zeros(0) for _ in range(3))


def packed(q, k, v, cu_q, cu_k, _mq, _mk, p, scale, causal, left=-1, right=-1, cap=0.0, slopes=None, *rest):
    used = rest[3] if len(rest) > 3 else None
    found = attend_all(
        q, k, v, (cu_q, cu_k), used, slopes, scale=scale, cap=cap, **window(causal, left, right)
    )
    return found[0], *(torch.zeros(0) for _ in range(3))


def third(q, k, v, *rest):
    defaults = (*[None] * 20, None, False, -1, -1, 0, 0.0)
    rest = (*rest, *defaults[len(rest) :])
    cu_q, cu_k, scale, causal, left, right, cap = *rest[4:6], *rest[20:24], rest[25]
    starts = None if cu_q is None else (cu_q, cu_k)
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    found = attend_all(q, k, v, starts, scale=scale, cap=cap, **window(causal, left, right))
    return found[0], *(torch.zeros(0) for _ in range(3))


def xflash(q, k, v, cu_q, cu_k, _used, _mq, _mk, p, scale, causal, left, right, *_):
    starts = None if cu_q is None else (cu_q, cu_k)
    found = attend_all(q, k, v, starts, scale=scale, **window(causal, left, right))
    return found[0], torch.zeros(0), torch.zeros(0)


def cutlass(q, k, v, bias, cu_q, cu_k, _mq, _mk, p, kind, *_, scale=None, seqlen_k=None, window_size=None):
    starts = None if cu_q is None else (cu_q, cu_k)
    options = {"corner": "top" if kind == 1 else None, "right": 0 if kind else -1}
    options["left"] = window_size - 1 if window_size else -1
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    found = attend_all(q, k, v, starts, bias=bias, scale=scale, **options)
    return found[0], *(torch.zeros(0) for _ in range(3)), 0, 0


def hub(q, k, v, _out, slopes, p, scale, causal, left, right, cap, *_):
    found = attend_all(q, k, v, scale=scale, cap=cap, slopes=slopes, **window(causal, left, right))
    return [found[0], torch.zeros(0)]


def hub_packed(
    q, k, v, _out, cu_q, cu_k, used, _l, _b, slopes, _mq, _mk, p, scale, _z, causal, left, right, *_
):
    found = attend_all(q, k, v, (cu_q, cu_k), used, slopes, scale=scale, **window(causal, left, right))
    return [found[0], torch.zeros(0)]


def cached(q, k, v, *_):
    return [attend_all(q, k, v, scale=1.0)[0]]


KERNELS = (dense, packed, third, xflash, cutlass, hub, hub_packed, cached)


@pytest.fixture(scope="module", autouse=True)
def _operators():
    libraries = [
        torch.library.Library(space, "FRAGMENT") for space in {n.partition("::")[0] for n in SCHEMAS}
    ]
    of = {library.ns: library for library in libraries}
    for (name, schema), kernel in zip(SCHEMAS.items(), KERNELS, strict=True):
        space, _, short = name.partition("::")
        of[space].define(short + schema)
        of[space].impl(short, kernel, "CPU")
    yield
    for library in libraries:
        library._destroy()


class Layer(nn.Module):
    def __init__(self, name, *rest, **named):
        super().__init__()
        self.name, self.rest, self.named = name, rest, named

    def forward(self, q, k, v):
        space, _, short = self.name.partition("::")
        result = getattr(getattr(torch.ops, space), short)(q, k, v, *self.rest, **self.named)
        return result[0]


def tensors(*, starts=None, wide=False, keys=9):
    torch.manual_seed(0)
    if starts is None:
        return torch.randn(2, 6, 4, 8), torch.randn(2, keys, 2, 8), torch.randn(2, keys, 2, 5)
    shapes = (8, 4, 8), (13, 2, 8), (13, 2, 5)
    return tuple(torch.randn(1, *shape) if wide else torch.randn(shape) for shape in shapes)


def check(layer, inputs, expected):
    alone = layer(*inputs)
    with visualizer.capture(layer) as run:
        during = layer(*inputs)
    assert torch.equal(alone, during)
    assert [call.how for call in run] == [layer.name]
    assert torch.as_tensor(run[""].numpy()).sub(expected).abs().max() < 1e-6
    assert run.checks.compared == 1
    assert run.checks.largest < 1e-5
    assert "not run on a GPU" in run[0].note


SLOPES = torch.tensor([0.5, 0.25, 0.125, 0.0625])


@pytest.mark.parametrize("name", ["flash_attn::_flash_attn_forward", f"{HUB}::fwd"])
@pytest.mark.parametrize(
    ("causal", "left", "right", "cap", "slopes"),
    [
        (False, -1, -1, 0.0, None),
        (True, -1, -1, 0.0, None),
        (False, 2, 1, 0.0, None),
        (True, 2, -1, 1.5, None),
        (True, -1, -1, 0.0, SLOPES),
        (False, -1, -1, 0.0, torch.stack([SLOPES, 2 * SLOPES])),
    ],
)
def test_flash_attn_aligns_at_the_lower_right(name, causal, left, right, cap, slopes):
    inputs = tensors()
    shape = (causal, left, right, cap)
    rest = (None, slopes, 0.0, 0.3, *shape, False, None) if HUB in name else (0.0, 0.3, *shape, slopes, False)
    expected = attend_all(*inputs, scale=0.3, cap=cap, slopes=slopes, **window(causal, left, right))[1]
    check(Layer(name, *rest), inputs, expected)


@pytest.mark.parametrize("keys", [4, 6])
def test_queries_that_see_no_key_have_rows_of_zeros(keys):
    inputs = tensors(keys=keys)
    expected = attend_all(*inputs, scale=0.3, right=0)[1]
    assert bool((expected.sum(-1) == 0).any()) == (keys < 6)
    check(
        Layer("flash_attn::_flash_attn_forward", 0.0, 0.3, True, -1, -1, 0.0, None, False), inputs, expected
    )


@pytest.mark.parametrize(("causal", "left"), [(False, -1), (True, -1), (True, 2)])
@pytest.mark.parametrize("used", [None, torch.tensor([2, 2, 5])])
@pytest.mark.parametrize("slopes", [None, SLOPES])
def test_packed_sequences_do_not_see_each_other(causal, left, used, slopes):
    inputs = tensors(starts=True)
    expected = attend_all(*inputs, (STARTS_Q, STARTS_K), used, slopes, scale=0.3, **window(causal, left, -1))[
        1
    ]
    rest = (STARTS_Q, STARTS_K, 5, 7, 0.0, 0.3, causal, left, -1, 0.0, slopes, False, None, None, used)
    check(Layer("flash_attn::_flash_attn_varlen_forward", *rest), inputs, expected)
    starts = (None, STARTS_Q, STARTS_K, used, None, None, slopes, 5, 7, 0.0, 0.3, False, causal, left, -1)
    check(Layer(f"{HUB}::varlen_fwd", *starts, 0.0, False, None), inputs, expected)


@pytest.mark.parametrize("starts", [None, (STARTS_Q, STARTS_K)])
def test_flash_attn_3(starts):
    inputs = tensors(starts=starts)
    named = {} if starts is None else {"cu_seqlens_q": starts[0], "cu_seqlens_k": starts[1]}
    expected = attend_all(*inputs, starts, scale=8**-0.5, left=3, right=0, cap=2.0)[1]
    check(
        Layer("flash_attn_3::fwd", **named, is_causal=True, window_size_left=3, softcap=2.0), inputs, expected
    )


@pytest.mark.parametrize("starts", [None, (STARTS_Q, STARTS_K)])
def test_xformers_flash(starts):
    inputs = tensors(starts=starts)
    expected = attend_all(*inputs, starts, scale=0.3, right=0)[1]
    rest = (*(starts or (None, None)), None, 5, 7, 0.0, 0.3, True, -1, -1, False, None)
    check(Layer("xformers_flash::flash_fwd", *rest), inputs, expected)


@pytest.mark.parametrize("starts", [None, (STARTS_Q, STARTS_K)])
@pytest.mark.parametrize(("kind", "size"), [(0, None), (1, None), (2, None), (2, 3)])
def test_xformers_cutlass_has_both_corners(starts, kind, size):
    inputs = tensors(starts=starts, wide=True)
    options = {
        "corner": "top" if kind == 1 else None,
        "right": 0 if kind else -1,
        "left": size - 1 if size else -1,
    }
    expected = attend_all(*inputs, starts, scale=8**-0.5, **options)[1]
    rest = (None, *(starts or (None, None)), 5, 7, 0.0, kind)
    check(Layer("xformers::efficient_attention_forward_cutlass", *rest, window_size=size), inputs, expected)


def test_xformers_cutlass_adds_a_bias():
    inputs, bias = tensors(), torch.randn(2, 4, 6, 9)
    expected = attend_all(*inputs, bias=bias, scale=8**-0.5)[1]
    rest = (bias, None, None, None, None, 0.0, 0)
    check(Layer("xformers::efficient_attention_forward_cutlass", *rest), inputs, expected)


@pytest.mark.parametrize(
    ("layer", "why"),
    [
        (Layer(f"{HUB}::fwd_kvcache", None, None, None, 1.0, True), "a cache of keys"),
        (Layer("flash_attn_3::fwd", page_table=torch.zeros(2, 1)), "a paged cache of keys"),
        (Layer("flash_attn_3::fwd", attention_chunk=4), "attention in chunks"),
        (Layer("flash_attn_3::fwd", seqused_k=torch.tensor([3, 4])), "lengths of a cache of keys"),
        (Layer("flash_attn_3::fwd", rotary_sin=torch.zeros(1)), "an argument that is not known, rotary_sin"),
    ],
)
def test_what_cannot_be_read_is_told(layer, why):
    inputs = tensors()
    alone = layer(*inputs)
    with visualizer.capture(layer) as run:
        during = layer(*inputs)
    assert torch.equal(alone, during)
    assert len(run) == 0
    assert f"{layer.name} was called with {why}" in run.why_empty()


def test_what_cannot_be_read_is_told_beside_what_was_recorded():
    model = nn.ModuleList([Layer("flash_attn_3::fwd"), Layer("flash_attn_3::fwd", attention_chunk=4)])
    with visualizer.capture(model) as run:
        for layer in model:
            layer(*tensors())
    assert run.paths == ["0"]
    said = "1 call was seen but not recorded: flash_attn_3::fwd was called with attention in chunks"
    assert said in repr(run).splitlines()


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("name", ["dense", "packed"])
def test_gradients_are_those_of_the_formula(name, frozen):
    """The operators with a formula for autograd, as torch.library registers it: dL/dq, dL/dk, dL/dv."""
    starts = None if name == "dense" else (STARTS_Q, STARTS_K)
    operator = "_flash_attn_forward" if name == "dense" else "_flash_attn_varlen_forward"
    options = {"scale": 0.3, "left": 2, "right": 0}

    def backward(ctx, gradient, *_):
        tensors = [tensor.detach().requires_grad_() for tensor in ctx.saved_tensors]
        with torch.enable_grad():
            output = attend_all(*tensors, starts, **options)[0]
        return (*torch.autograd.grad(output, tensors, gradient), *[None] * ctx.others)

    rest = (0.0, 0.3, True, 2, -1, 0.0, None, False)
    rest = rest if starts is None else (*starts, 5, 7, *rest)
    library = torch.library.Library("flash_attn", "FRAGMENT")

    def setup(ctx, inputs, output):
        ctx.others = len(inputs) - 3
        ctx.save_for_backward(*inputs[:3])

    torch.library.register_autograd(f"flash_attn::{operator}", backward, setup_context=setup, lib=library)
    try:
        layer = Layer(f"flash_attn::{operator}", *rest)
        inputs = [tensor.requires_grad_(not frozen) for tensor in tensors(starts=starts)]
        with visualizer.capture(layer, gradients=True) as run:
            loss = layer(*inputs).mul_(2).square().sum() if frozen else (2 * layer(*inputs)).square().sum()
        q, k, v = (tensor.detach() for tensor in inputs)
        output, weights = attend_all(q, k, v, starts, **options)
        slope = 8 * output if starts is None else 8 * output[None]
        v = v if starts is None else v[None]
        expected = torch.einsum("bihd,bjhd->bhij", slope, v.repeat_interleave(2, 2))
        found = run.gradients(loss)[""].tensor()
        assert (found - expected).abs().max() < 1e-5 * expected.abs().max()
    finally:
        library._destroy()


def test_a_kernel_within_an_autograd_function_says_that_it_has_no_gradient():
    class Function(torch.autograd.Function):
        @staticmethod
        def forward(ctx, q, k, v):
            return torch.ops.flash_attn_3.fwd(q, k, v)[0][:, 1:]

        @staticmethod
        def backward(ctx, gradient):
            return None, None, None

    class Own(nn.Module):
        def forward(self, q, k, v):
            return Function.apply(q, k, v)

    layer = Own()
    with visualizer.capture(layer, gradients=True) as run:
        loss = layer(*(tensor.requires_grad_() for tensor in tensors())).sum()
    with pytest.raises(VisualizerError, match=r"an autograd\.Function of its own"):
        run.gradients(loss)


def test_dropout_is_not_compared():
    layer = Layer("flash_attn::_flash_attn_forward", 0.5, 0.3, False, -1, -1, 0.0, None, False)
    with visualizer.capture(layer) as run:
        layer(*tensors())
    assert len(run) == 1
    assert run.checks.compared == 0


def test_chosen_queries_keep_their_windows():
    inputs = tensors()
    layer = Layer("flash_attn::_flash_attn_forward", 0.0, 0.3, False, 2, 1, 0.0, None, False)
    expected = attend_all(*inputs, scale=0.3, left=2, right=1)[1]
    with visualizer.capture(layer, queries=slice(1, 6, 2)) as run:
        layer(*inputs)
    assert torch.as_tensor(run[""].numpy()).sub(expected[:, :, 1:6:2]).abs().max() < 1e-6


def test_operators_registered_between_two_recordings_are_followed():
    layer = Layer("_flash_attn2_0ff1ce::fwd", None, None, 0.0, 0.3, False, -1, -1, 0.0, False, None)
    with visualizer.capture(nn.Identity()):
        pass
    library = torch.library.Library("_flash_attn2_0ff1ce", "FRAGMENT")
    try:
        library.define("fwd" + SCHEMAS[f"{HUB}::fwd"])
        library.impl("fwd", hub, "CPU")
        inputs = tensors()
        check(layer, inputs, attend_all(*inputs, scale=0.3)[1])
    finally:
        library._destroy()


def test_a_kernel_that_calls_another_is_recorded_once():
    library = torch.library.Library("flash_attn_3", "FRAGMENT")
    try:
        library.define(
            "_flash_attn_forward(Tensor q, Tensor k, Tensor v, float? softmax_scale=None) -> Tensor"
        )
        library.impl(
            "_flash_attn_forward", lambda *tensors: torch.ops.flash_attn_3.fwd(*tensors[:3])[0], "CPU"
        )

        class Outer(nn.Module):
            def forward(self, q, k, v):
                return torch.ops.flash_attn_3._flash_attn_forward(q, k, v)

        inputs, layer = tensors(), Outer()
        with visualizer.capture(layer) as run:
            layer(*inputs)
        assert [call.how for call in run] == ["flash_attn_3::_flash_attn_forward"]
        expected = attend_all(*inputs, scale=1 / math.sqrt(8))[1]
        assert torch.as_tensor(run[""].numpy()).sub(expected).abs().max() < 1e-6
    finally:
        library._destroy()
