"""What a recording must not get wrong in silence: memory that changes, keys that look alike, what is held."""

import copy
import gc
import sys
import threading
import weakref

import pytest
import torch
from torch import nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.checkpoint import checkpoint

import visualizer
from visualizer.errors import OptionError


class Attention(nn.Module):
    """One fused call of what it is given."""

    def forward(self, *args, **kwargs):
        return functional.scaled_dot_product_attention(*args, **kwargs)


def expected(q, k, mask):
    """The map by its formula in float64."""
    logits = q.double() @ k.double().mT / q.shape[-1] ** 0.5
    logits = logits.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else logits + mask.double()
    return torch.softmax(logits, -1)


def draw(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def assert_map(call, *factors):
    torch.testing.assert_close(call.map.tensor().double(), expected(*factors), atol=1e-6, rtol=0)


def test_a_mask_that_is_written_into_in_inference_mode_is_another_mask():
    q, attention = draw(1, 2, 5, 8), Attention()
    with visualizer.capture(attention) as run, torch.inference_mode():
        mask = torch.ones(1, 1, 5, 5, dtype=torch.bool)
        attention(q, q, q, attn_mask=mask)
        mask.tril_()
        attention(q, q, q, attn_mask=mask)
    assert_map(run[0], q, q, torch.ones(5, 5, dtype=torch.bool))
    assert_map(run[1], q, q, torch.ones(5, 5, dtype=torch.bool).tril())


def test_keys_that_differ_at_a_few_places_are_other_keys():
    q, keys, attention = draw(1, 8, 4, 64), draw(1, 8, 1024, 64), Attention()
    others = keys.clone()
    others[:, :, 500:503] += 5  # between the places of a sample
    with visualizer.capture(attention) as run:
        attention(q, keys, keys)
        attention(q, others, others)
    assert_map(run[1], q, others, torch.ones(4, 1024, dtype=torch.bool))


def test_a_large_mask_of_a_window_that_moves_on_is_another_mask():
    q, keys, attention = draw(64, 1, 1, 8), draw(64, 1, 5001, 8), Attention()
    hidden = [torch.zeros(64, 1, 1, 5000 + step) for step in range(2)]
    for step, mask in enumerate(hidden):
        mask[..., : 101 + step] = -torch.inf
    with visualizer.capture(attention) as run:
        attention(q, keys[:, :, :5000], keys[:, :, :5000], attn_mask=hidden[0])
        attention(q, keys, keys, attn_mask=hidden[1])
    assert run[1].map.tensor()[..., :102].sum() == 0


def test_a_cache_that_is_made_anew_at_each_step_is_not_written_into():
    slots, attention, q = torch.arange(8), Attention(), draw(1, 2, 1, 4)
    caches = [torch.zeros(1, 2, 8, 4)]
    with visualizer.capture(attention) as run:
        for step in range(4):
            caches.append(torch.where((slots == step)[:, None], draw(1, 2, 1, step + 4)[..., :4], caches[-1]))
            attention(q, caches[-1], caches[-1], attn_mask=(slots <= step)[None, None, None])
    for step, call in enumerate(run):
        assert caches[step + 1][:, :, step + 1 :].eq(0).all()
        assert_map(call, q, caches[step + 1], slots <= step)


def test_lowest_numbers_of_a_mask_hide_as_before_where_factors_are_held_in_half_precision():
    q, attention = draw(1, 2, 5, 8).half().float(), Attention()
    mask = torch.full((1, 1, 5, 5), torch.finfo(torch.float32).min)
    with visualizer.capture(attention, dtype=torch.float16) as run:
        attention(q, q, q, attn_mask=mask)
    torch.testing.assert_close(run[0].map.tensor(), torch.full((1, 2, 5, 5), 0.2))


def test_boolean_masks_move_with_the_other_factors():
    q, attention = draw(1, 2, 5, 8), Attention()
    mask = torch.ones(1, 1, 5, 5, dtype=torch.bool)
    with visualizer.capture(attention, device="meta", check=False) as run:
        attention(q, q, q, attn_mask=mask)
    source, _ = run[0].map.opened()
    assert {tensor.device.type for tensor in source.tensors()} == {"meta"}


def test_queries_of_one_batch_row_meet_keys_of_several():
    keys, attention = draw(3, 2, 5, 8), Attention()
    with visualizer.capture(attention) as run:
        attention(keys[:1], keys, keys)
        attention(keys[:, :1], keys, keys)
    assert_map(run[0], keys[:1], keys, torch.ones(5, 5, dtype=torch.bool))
    assert_map(run[1], keys[:, :1], keys, torch.ones(5, 5, dtype=torch.bool))


def test_gradients_where_a_batch_shares_its_keys():
    q, keys, attention = draw(3, 2, 5, 8), draw(1, 2, 6, 8).requires_grad_(), Attention()
    with visualizer.capture(attention, gradients=True, values=True) as run:
        out = attention(q, keys, keys)
    expected = (out * 2).detach() @ keys.detach().mT
    torch.testing.assert_close(run.gradients(out.square().sum())[""].tensor(), expected)
    assert run.check(all=True)[0]["error"] < 1e-5


def test_queries_without_features_attend_to_all_alike():
    empty, values, attention = draw(1, 2, 5, 0), draw(1, 2, 5, 8), Attention()
    with visualizer.capture(attention) as run:
        out = attention(empty, empty, values)
    assert torch.equal(out, functional.scaled_dot_product_attention(empty, empty, values))
    torch.testing.assert_close(run[""].tensor(), torch.full((1, 2, 5, 5), 0.2))


def test_a_mask_may_have_fewer_axes_than_the_queries():
    q, bias, attention = draw(3, 2, 4, 5, 8), draw(2, 4, 5, 5), Attention()
    with visualizer.capture(attention) as run:
        attention(q, q, q, attn_mask=bias)
    assert_map(run[0], q, q, bias)


def test_a_mask_alone_may_be_mapped_over():
    q, masks = draw(2, 4, 5, 8), draw(3, 5, 5)

    class Mapped(nn.Module):
        def forward(self, q, masks):
            attend = functional.scaled_dot_product_attention
            return torch.vmap(lambda mask: attend(q, q, q, attn_mask=mask))(masks)

    mapped = Mapped()
    with visualizer.capture(mapped) as run, sdpa_kernel(SDPBackend.MATH):
        mapped(q, masks)
    assert_map(run[0], q.expand(3, 2, 4, 5, 8), q.expand(3, 2, 4, 5, 8), masks[:, None, None])


def test_the_gradient_is_that_at_the_call_where_its_result_is_changed_in_place():
    q = draw(1, 2, 5, 8).requires_grad_()
    attention = Attention()
    with visualizer.capture(attention, gradients=True) as run, sdpa_kernel(SDPBackend.MATH):
        scalar = attention(q, q, q).mul_(3).sum()
    expected = 3 * q.detach().sum(-1).unsqueeze(-2).expand(1, 2, 5, 5)
    torch.testing.assert_close(run.gradients(scalar)[""].tensor().to(expected.dtype), expected)


@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize("modes", ["iiinn", "nniii", "innin"])
def test_a_generation_may_enter_and_leave_inference_mode(modes, static):
    keys, attention = draw(1, 2, 8, 8), Attention()
    with visualizer.capture(attention) as run:
        for step, mode in enumerate(modes, 4):
            with torch.inference_mode(mode == "i"), torch.no_grad():
                filled = torch.arange(8) < step
                given = keys * filled[:, None] if static else keys[:, :, :step].clone()
                query = keys[:, :, :4] if step == 4 else keys[:, :, step - 1 : step]
                attention(query.clone(), given, given, attn_mask=filled[: given.shape[2]][None, None, None])
    assert {call.sequence for call in run} == {0}
    for step, call in enumerate(run, 4):
        query = keys[:, :, :4] if step == 4 else keys[:, :, step - 1 : step]
        allowed = (torch.arange(8) < step)[: call.shape[-1]]
        assert_map(call, query, keys[:, :, : call.shape[-1]], allowed)


def test_gradients_are_of_all_queries():
    with pytest.raises(OptionError, match="read the rows of the gradient"):
        visualizer.capture(Attention(), gradients=True, queries="last")


def test_queries_are_no_number():
    with pytest.raises(OptionError, match="'last', a slice or a function"):
        visualizer.capture(Attention(), queries=3)


def test_a_run_keeps_no_model_alive():
    q, attention = draw(1, 2, 5, 8), Attention()
    with visualizer.capture(attention) as run:
        attention(q, q, q)
        part = run[:1]  # which knows what the run knew then
    alive = weakref.ref(attention)
    del attention
    gc.collect()
    assert alive() is None
    assert len(run) == len(part) == 1


def test_softmaxes_that_are_no_maps_are_let_go_of():
    sampler, storages = nn.Softmax(-1), []
    with visualizer.capture(sampler):
        for step in range(100):
            storages.append(StorageWeakRef(sampler(draw(4, step + 2)).untyped_storage()))
        assert sum(not storage.expired() for storage in storages) <= 32


def test_masks_of_many_calls_are_let_go_of():
    q, attention, masks = draw(1, 2, 5, 8), Attention(), []
    with visualizer.capture(attention, keep="readouts", readouts=["entropy"]):
        for _ in range(30):
            mask = torch.ones(1, 1, 5, 5, dtype=torch.bool)
            masks.append(StorageWeakRef(mask.untyped_storage()))
            attention(q, q, q, attn_mask=mask)
        assert sum(not mask.expired() for mask in masks) < 10


def test_a_check_that_is_no_number_is_told():
    q, attention = draw(1, 2, 5, 8), Attention()
    with visualizer.capture(attention) as run:
        attention(q, q, q)
        attention(*[q * torch.nan] * 3)
    assert "largest error nan" in repr(run)


def test_a_copy_of_a_run_has_its_tokens():
    q, attention = draw(1, 2, 2, 8), Attention()
    with visualizer.capture(attention) as run:
        attention(q, q, q)
    assert copy.deepcopy(run.label(["to", "be"])).where("be") == slice(1, 2)


class Bound(nn.Module):
    """A linear layer that binds its output, alone and in a list."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        y = self.linear(x)
        several = [y]
        return several[0]


def test_locals_are_as_they_were_when_the_forward_ended():
    layer = Bound()
    with visualizer.capture(layer, locals=["y", "several"]) as run, torch.no_grad():
        output = layer(draw(2, 4))
        before = output.clone()
        output.add_(100)
    y, (of_list,) = sorted((call.content for call in run), key=lambda content: isinstance(content, list))
    assert torch.equal(y, before)
    assert torch.equal(of_list, before)


def test_locals_of_a_checkpoint_are_recorded_once():
    layer = Bound()
    with visualizer.capture(layer, locals="y") as run:
        checkpoint(layer, draw(2, 4).requires_grad_(), use_reentrant=True).sum().backward()
    assert len(run) == 1


def test_a_tables_means_leave_padded_queries_out():
    q, attention = draw(1, 2, 5, 8), Attention()
    with visualizer.capture(attention) as run:
        attention(q, q, q, attn_mask=torch.tensor([1, 1, 1, 0, 0], dtype=torch.bool)[None, None, None])
    means = run[0].map.entropy()[0, :, :3].mean(-1)
    assert [row["entropy"] for row in run.table("entropy")] == pytest.approx(means.tolist())


def test_threads_that_share_a_module_keep_their_keys_apart():
    attention, calls = Attention(), {}

    def generate(number):
        keys = torch.randn(1, 2, 600, 64, generator=torch.Generator().manual_seed(number))
        for length in range(500, 600):
            part = keys[:, :, :length].clone()
            attention(part[:, :, -1:], part, part)
        calls[threading.get_ident()] = keys

    threads = [threading.Thread(target=generate, args=(number,)) for number in range(2)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with visualizer.capture(attention) as run:
            [thread.start() for thread in threads]
            [thread.join() for thread in threads]
    finally:
        sys.setswitchinterval(before)
    assert sorted(call.number for call in run) == list(range(200))
    for call in run:
        keys = calls[call.thread][:, :, : call.shape[-1]]
        assert_map(call, keys[:, :, -1:], keys, torch.ones(call.shape[-1], dtype=torch.bool))
