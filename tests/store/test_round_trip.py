"""What is saved is what is loaded, bit for bit, whatever a map is held as."""

import copy
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
import zarr

import visualizer as viz
from visualizer.attention import AttentionMap, Band, Dense, Factors, LowRank, SampledLevel, Stitched
from visualizer.axes import Axis, Frames, Grid, Special
from visualizer.calls import Call
from visualizer.errors import StoreError
from visualizer.families.layouts import Same
from visualizer.run import Run
from visualizer.store.stored_map import StoredSource
from visualizer.store.writer import Writer

RNG = np.random.default_rng(0)
B, H, G, N, M, D = 2, 4, 2, 20, 24, 32


def numbers(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def tensor(*shape, dtype=torch.float32):
    return torch.from_numpy(numbers(*shape)).to(dtype)


def factors(make=tensor, **more):
    return Factors(make(B, H, N, D), make(B, G, M, D), D**-0.5, **more)


FACTORS = {
    "plain": {},
    "a mask for all": {"mask": torch.rand(N, M) > 0.3},
    "a mask of each batch row": {"mask": torch.rand(B, 1, 1, M) > 0.3},
    "a mask of each head": {"mask": tensor(1, H, N, M)},
    "a mask that is expanded": {"mask": (torch.rand(1, 1, N, M) > 0.3).expand(B, H, N, M)},
    "a whole mask and a bias": {"mask": torch.rand(B, H, N, M) > 0.3, "bias": tensor(H, N, M)},
    "a causal band": {"band": Band()},
    "a window with offsets": {"band": Band(torch.arange(N) % 3 + 2, 4, 1)},
    "slopes and segments": {
        "slopes": torch.rand(H),
        "segments": (torch.arange(N) // 5, torch.arange(M) // 6),
    },
    "a cap, sinks and padding": {
        "soft_cap": 5.0,
        "sinks": tensor(H),
        "query_valid": torch.rand(B, 1, N) > 0.2,
    },
    "one more in the denominator": {"softmax_one": True},
    "values": {"v": tensor(B, G, M, 8)},
}


@pytest.fixture
def there_and_back(tmp_path):
    def go(content, **about):
        run = Run([Call("layer.0", content, 0, 0, "by hand", paths=("layer.0",), **about)])
        run.save(tmp_path / "run.zarr")
        return viz.load(tmp_path / "run.zarr")[0]

    return go


def same_bits(one, other):
    if isinstance(one, torch.Tensor):
        bits = {2: torch.int16, 4: torch.int32, 8: torch.int64}
        view = bits.get(one.element_size()) if one.is_floating_point() else None
        return one.dtype == other.dtype and torch.equal(
            *((x.contiguous().view(view) if view else x) for x in (one, other))
        )
    return (
        type(one) is type(other) and one.dtype == other.dtype and np.array_equal(one, other, equal_nan=True)
    )


def held(map_):
    source = map_._source.whole() if isinstance(map_._source, StoredSource) else map_._source
    return getattr(source, "factors", None) or getattr(source, "dense", None) or source


def assert_alike(one, other):
    for field in fields(one):
        mine, its = getattr(one, field.name), getattr(other, field.name)
        if hasattr(mine, "dtype"):
            assert same_bits(mine, its), field.name
        elif field.name == "band" and mine is not None:
            assert (mine.left, mine.right) == (its.left, its.right)
            assert same_bits(*map(torch.as_tensor, (mine.diagonal, its.diagonal)))
        elif field.name == "segments" and mine is not None:
            assert all(map(same_bits, mine, its))
        else:
            assert mine == its, field.name


@pytest.mark.parametrize("name", FACTORS)
def test_factors_come_back_bit_for_bit(there_and_back, name):
    made = factors(**FACTORS[name])
    a = there_and_back(AttentionMap(made)).map
    assert_alike(made, held(a))
    assert torch.equal(a.array(), AttentionMap(made).array())


@pytest.mark.parametrize("name", FACTORS)
def test_a_head_that_is_read_alone_is_that_head(there_and_back, name):
    made, a = AttentionMap(factors(**FACTORS[name])), there_and_back(AttentionMap(factors(**FACTORS[name])))
    a = a.map
    made = AttentionMap(held(a))
    for at in [(1, 2), (0, slice(1, 3)), (slice(None), 3), (1, [3, 0]), (slice(None, None, -1), [1])]:
        assert torch.equal(a[at].array(), made[at].array())
        torch.testing.assert_close(a[at].entropy(), made[at].entropy())
        torch.testing.assert_close(a[at].received(), made[at].received())
        torch.testing.assert_close(a[at] @ torch.eye(M), made[at].array(), atol=1e-5, rtol=0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_every_width_of_float_comes_back(there_and_back, dtype):
    made = Factors(tensor(B, H, N, D, dtype=dtype), tensor(B, H, M, D, dtype=dtype), 1.0)
    assert_alike(made, held(there_and_back(AttentionMap(made)).map))


def test_a_map_of_numpy_comes_back_as_numpy(there_and_back):
    made = factors(numbers)
    found = there_and_back(AttentionMap(made)).map
    assert isinstance(found.array(), np.ndarray)
    assert_alike(made, held(found))


def test_a_dense_map_comes_back_with_all_that_it_has(there_and_back):
    array = tensor(B, H, N, M).softmax(-1)
    made = Dense(
        array, tensor(B, H, N), tensor(B, H, N, M), torch.rand(B, 1, N) > 0.5, torch.rand(N, M) > 0.5
    )
    found = there_and_back(AttentionMap(made)).map
    assert_alike(made, held(found))
    assert torch.equal(found[1, 3].rest, AttentionMap(made)[1, 3].rest)


def test_an_outer_product_comes_back(there_and_back):
    made = AttentionMap(LowRank(tensor(B, H, N, 3), tensor(B, G, M, 3)))
    found = there_and_back(made).map
    assert torch.equal(found.array(), made.array())
    assert torch.equal(found[1, 2:3].array(), made[1, 2:3].array())


def test_stitched_steps_come_back(there_and_back):
    steps = [
        (AttentionMap(Dense(tensor(1, H, 3, 5))), range(5)),
        (AttentionMap(Dense(tensor(1, H, 1, 6))), range(6)),
    ]
    made = AttentionMap(Stitched([(a, list(places)) for a, places in steps]))
    assert torch.equal(there_and_back(made).map.array(), made.array())


@pytest.mark.parametrize(
    "made",
    [lambda a: a * 2.0, lambda a: a.heads(), lambda a: a[:, 1:3], lambda a: a[0]],
    ids=["times", "heads", "view", "part"],
)
def test_a_map_made_of_maps_is_formed(there_and_back, made):
    a = made(AttentionMap(factors()))
    found = there_and_back(a)
    assert "formed when it was stored" in found.note
    torch.testing.assert_close(found.map.array().reshape(a.shape), a.array())


def test_a_function_cannot_be_stored_so_that_the_map_is_formed(there_and_back):
    a = AttentionMap(factors(score_mod=lambda score, b, h, q, k: score + q - k))
    found = there_and_back(a)
    assert "Python function (score_mod)" in found.note
    assert torch.equal(found.map.array(), a.array())


def test_a_large_map_with_a_function_is_refused_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr("visualizer.store.forms.LARGEST", 100)
    run = Run([Call("x", AttentionMap(factors(mask_mod=lambda b, h, q, k: q >= k)), 0, 0, "flex")])
    with pytest.raises(
        StoreError, match="Python function .mask_mod., which cannot be stored.*keep='readouts'"
    ):
        run.save(tmp_path / "run.zarr")


VALUES = [
    *(3, 2.5, float("inf"), "text", None, True, 1 + 2j, (), [], {}),
    (1, [2.0, {"a": None, 3: "b"}]),
    {"x": torch.arange(3), "y": (torch.tensor(2.0), torch.zeros(0, 3), numbers(2))},
]


@pytest.mark.parametrize("value", VALUES, ids=map(str, range(len(VALUES))))
def test_a_local_comes_back_as_it_was(there_and_back, value):
    found = there_and_back(value).content
    assert type(found) is type(value)
    if isinstance(value, dict) and value:
        torch.testing.assert_close(found["x"], value["x"])
        torch.testing.assert_close(found["y"][:2], value["y"][:2])
        assert same_bits(found["y"][2], value["y"][2])
    else:
        assert found == value


def test_read_outs_come_back_by_name(there_and_back):
    kept = {
        "entropy": tensor(B, H, N),
        "topk": (tensor(B, H, N, 2), torch.ones(B, H, N, 2, dtype=torch.int64)),
    }
    found = there_and_back(kept).content
    torch.testing.assert_close(found, kept, rtol=0, atol=0)


def test_what_cannot_be_stored_is_named(tmp_path):
    with pytest.raises(StoreError, match="a generator was to be stored"):
        Run([Call("x", (n for n in ()), 0, 0, "local `x` of f")]).save(tmp_path / "run.zarr")


def test_every_field_of_a_call_comes_back(there_and_back):
    about = {
        **{
            "step": 3,
            "item": ("a", 1),
            "rows": ("left", "right"),
            "thread": 7,
            "error": 0.25,
            "formed": True,
        },
        **{"sequence": 2, "first_key": 5, "note": "so", "split": (-3,), "v": tensor(B, H, M, 3)},
        **{"output": tensor(B, H, N, 3), "levels": (SampledLevel(tensor(8, 20, 4, 2), (3, 5), 9),)},
        "axes": {"keys": Same(Axis((Special("CLS"), Grid(1, M - 1))))},
    }
    found = there_and_back(AttentionMap(factors()), **about)
    told = {field.name for field in fields(Call)} - {
        "content",
        "traced",
        "order",
        "number",
        "path",
        "how",
        "paths",
    }
    assert told == set(about)
    for name in told - {"v", "output", "levels", "axes"}:
        assert getattr(found, name) == about[name], name
    assert same_bits(found.v, about["v"])
    assert same_bits(found.output, about["output"])
    assert same_bits(found.levels[0].places, about["levels"][0].places)
    assert found.levels[0].shape == (3, 5)
    assert found.axes["keys"].rows() == about["axes"]["keys"].rows()
    assert found.paths == ("layer.0",)


@pytest.mark.parametrize("item", [0, "", False, None, (), ("a", 1.5)], ids=repr)
def test_an_item_that_counts_as_false_comes_back(there_and_back, item):
    found = there_and_back(AttentionMap(factors()), item=item, rows=(0, None), error=0.0)
    assert (found.item, type(found.item)) == (item, type(item))
    assert (found.rows, found.error) == ((0, None), 0.0)


@pytest.mark.parametrize("error", [float("nan"), float("inf"), torch.tensor(0.5)])
def test_an_error_that_is_no_plain_number_comes_back(there_and_back, error):
    found = there_and_back(AttentionMap(factors()), error=error).error
    assert found == float(error) or found != found


def test_a_run_of_a_model_looks_and_reads_the_same(tmp_path):
    model = torch.nn.TransformerEncoder(
        torch.nn.TransformerEncoderLayer(32, 4, batch_first=True, dropout=0.0), 2, enable_nested_tensor=False
    )
    with viz.capture(model, values=True) as run, run.item("one", rows=["l", "r"]):
        model(torch.randn(2, 10, 32))
    run.label(axis=[Special("CLS"), Grid(3, 3)])
    run.save(tmp_path / "run.zarr")
    found = viz.load(tmp_path / "run.zarr")
    assert found.paths == run.paths
    assert repr(found).splitlines()[-1].endswith(str(run.checks))
    assert found.axis() == Axis((Special("CLS"), Grid(3, 3)))
    assert [call.rows for call in found] == [("l", "r")] * 2
    for one, other in zip(run, found):
        assert torch.equal(one.map.array(), other.map.array())
    assert list(found.table("entropy")) == list(run.table("entropy"))
    assert torch.equal(
        found.check(all=True)[0]["error"] * torch.ones(1), run.check(all=True)[0]["error"] * torch.ones(1)
    )


def test_a_loaded_run_is_saved_again_and_copied(tmp_path):
    run = viz.from_arrays({"a": numbers(1, 2, 3, 4), "b": numbers(3, 3)})
    run.save(tmp_path / "one.zarr")
    viz.load(tmp_path / "one.zarr").save(tmp_path / "two.zarr")
    found = copy.deepcopy(viz.load(tmp_path / "two.zarr"))
    assert all(np.array_equal(one.map.array(), other.map.array()) for one, other in zip(run, found))
    assert replace(found[0], number=5).number == 5


def test_an_empty_run_comes_back_and_says_why(tmp_path):
    model = torch.nn.Linear(4, 4)
    for where in ("streamed", "saved"):
        path = tmp_path / f"{where}.zarr"
        with viz.capture(model, **({"path": path} if where == "streamed" else {})) as run:
            model(torch.zeros(1, 4))
        if where == "saved":
            run.save(path)
        found = viz.load(path)
        assert "attention" in run.why_empty()
        assert found.why_empty() == run.why_empty()
        assert repr(found) == f"<an empty run: {run.why_empty()}>"
    with viz.capture(torch.nn.MultiheadAttention(4, 1), path=path, resume=True) as run:
        pass  # the model is not called
    assert viz.load(path).why_empty() == run.why_empty() != found.why_empty()


def test_an_empty_run_that_was_cut_short_says_so(tmp_path):
    writer = Writer(tmp_path / "run.zarr")
    writer.close()
    says = "run.zarr: it holds no call and not why: it is being written, was cut short, or is of an older"
    assert says in viz.load(tmp_path / "run.zarr").why_empty()


def test_a_reason_that_is_no_text_is_refused(tmp_path):
    writer = Writer(tmp_path / "run.zarr")
    writer.tell("empty", {"reason": 3})
    writer.commit()
    writer.close()
    with pytest.raises(StoreError, match="the reason why it is empty was found to be 3; wanted is a text"):
        viz.load(tmp_path / "run.zarr")


def test_a_path_that_is_taken_is_refused_and_left_alone(tmp_path):
    (tmp_path / "run.zarr").mkdir()
    (tmp_path / "run.zarr" / "mine").write_text("precious")
    with pytest.raises(StoreError, match="there is something: give another"):
        Run().save(tmp_path / "run.zarr")
    assert [one.name for one in (tmp_path / "run.zarr").iterdir()] == ["mine"]


def test_a_zip_is_one_file_and_read_like_a_folder(tmp_path):
    run = viz.from_arrays({"a": numbers(1, 2, 30, 40)})
    run.save(tmp_path / "run.zip")
    assert [one.name for one in tmp_path.iterdir()] == ["run.zip"]
    assert np.array_equal(viz.load(tmp_path / "run.zip")["a"].array(), run["a"].array())
    with pytest.raises(StoreError, match="there is something"):
        run.save(tmp_path / "run.zip")


def test_a_url_of_fsspec_is_a_place(tmp_path):
    run = viz.from_arrays({"a": numbers(1, 2, 30, 40)})
    run.save("memory://runs/one.zarr")
    assert np.array_equal(viz.load("memory://runs/one.zarr")["a"].array(), run["a"].array())
    with pytest.raises(StoreError, match="there is something"):
        run.save("memory://runs/one.zarr")


@pytest.mark.parametrize("when", ["saved", "while it is written"])
def test_zarr_reads_every_array_as_it_is(tmp_path, when):
    from visualizer.store.reader import Reader
    from visualizer.store.writer import Writer

    made = [
        factors(mask=torch.rand(B, H, N, M) > 0.5, query_valid=torch.rand(B, 1, N) > 0.5),
        Factors(tensor(B, H, 40, D), tensor(B, G, 40, D), 1.0, slopes=torch.rand(H)),  # each head is a chunk
        Factors(*(tensor(1, H, 5, D, dtype=torch.bfloat16) for _ in range(2)), 1.0),
    ]
    calls = [Call("x", AttentionMap(made[n % 3]), n, n, "by hand") for n in range(9)]
    if when == "saved":
        Run(calls).save(tmp_path / "run.zarr")
    else:
        writer = Writer(tmp_path / "run.zarr")
        for call in calls:
            writer.write(replace(call, content=copy.deepcopy(call.content)))
            if call.number % 2:
                writer.commit()
    group = zarr.open_group(tmp_path / "run.zarr", mode="r", zarr_format=3)
    assert group.attrs["visualizer"]["type"] == "run"
    reader, arrays = Reader(tmp_path / "run.zarr"), dict(group["arrays"].arrays())
    assert {int(name) for name in arrays} == reader.layouts.keys()
    pieces = [piece[:2] for strip in reader.strips.values() for piece in strip.pieces]
    assert {layout.role for layout, _ in pieces} == {"q", "k", "mask", "query_valid", "slopes"}
    for layout, row in pieces:
        array = arrays[str(layout.id)]
        assert array.shards == (layout.per_shard, *layout.shape)
        assert array.chunks == (1, *[1] * layout.split, *layout.shape[layout.split :])
        assert np.array_equal(array[row], layout.piece(reader.place, row))
    for n, one in enumerate(made):
        q = next(
            a for a in arrays.values() if a.attrs["visualizer"]["role"] == "q" and a.shape[1:] == one.q.shape
        )
        assert np.array_equal(q[0], one.q.view(torch.uint16).numpy() if n == 2 else one.q.numpy())


def test_what_calls_share_is_stored_once(tmp_path):
    mask = torch.rand(B, H, 200, 200) > 0.5
    maps = [
        AttentionMap(Factors(tensor(B, H, 200, 4), tensor(B, H, 200, 4), 1.0, mask=mask)) for _ in range(9)
    ]
    Run([Call(f"layer.{n}", a, 0, n, "by hand") for n, a in enumerate(maps)]).save(tmp_path / "run.zarr")
    arrays = dict(zarr.open_group(tmp_path / "run.zarr", mode="r")["arrays"].arrays()).values()
    assert [one.shape[0] for one in arrays if one.attrs["visualizer"]["role"] == "mask"] == [1]


def stored_bytes(folder):
    return sum(path.stat().st_size for path in (folder / "arrays").rglob("*") if path.name.startswith("c."))


@pytest.mark.parametrize("prompt", [20, 300])  # a long one is cut by heads, and the steps are not
@pytest.mark.parametrize("fresh", [False, True], ids=["views of one buffer", "a new tensor each step"])
def test_keys_of_a_generation_are_stored_once(tmp_path, fresh, prompt):
    steps, buffer = 200, tensor(1, H, 512, D)
    calls = []
    for step in range(steps):
        k = buffer[:, :, : prompt + step]
        made = Factors(tensor(1, H, 1, D), k.clone() if fresh else k, 1.0)
        calls.append(Call("x", AttentionMap(made), step, step, "by hand", first_key=0))
    Run(calls).save(tmp_path / "run.zarr")
    found = viz.load(tmp_path / "run.zarr")
    assert all(torch.equal(held(call.map).k, held(found[n].map).k) for n, call in enumerate(calls))
    last = viz.load(tmp_path / "run.zarr")[steps - 1].map[:, 1]  # one head, read alone
    assert np.array_equal(last.numpy(), calls[-1].map[:, 1].numpy())
    rows = 4 * H * D
    assert stored_bytes(tmp_path / "run.zarr") < 1.5 * rows * (steps + prompt + steps)


@pytest.mark.parametrize("kind", ["folder", "zip", "memory://", "file://"])
def test_one_head_is_read_without_the_rest(tmp_path, kind, monkeypatch):
    from visualizer.store import places

    layers, steps = 6, 300
    wide, buffers = tensor(2, 1, H, 400, 64), [tensor(1, H, 512, D) for _ in range(layers)]
    made = [
        (f"layer.{n}", Factors(tensor(1, H, 1, D), buffer[:, :, : 20 + step], 1.0))
        for step in range(steps)
        for n, buffer in enumerate(buffers)
    ]
    made.append(("wide", Factors(*wide, 1.0)))
    calls = [Call(path, AttentionMap(one), 0, order, "by hand") for order, (path, one) in enumerate(made)]
    path = {"folder": "run", "zip": "run.zip", "file://": "run"}.get(kind, "")
    path = f"{'file://' if kind == 'file://' else ''}{tmp_path}/{path}" if path else "memory://head"
    Run(calls).save(path)
    read = []
    for place in (places.Folder, places.Zip, places.Url):

        def counted(self, key, *span, real=place.read):
            read.append((key, len(data := real(self, key, *span))))
            return data

        monkeypatch.setattr(place, "read", counted)
    run = viz.load(path)
    assert len(run) == len(calls)
    assert run.paths[-1] == "wide"
    opened = ["zarr.json", "log", "zarr.json"]  # it is looked whether the log still counts
    assert [key.partition("/")[0] for key, _ in read] == opened
    del read[:]
    for call, pieces in ((-1, 1), (layers * (steps - 1), 2)):
        found = run[call].map[0, 2].array()
        assert torch.equal(found, calls[call].map[0, 2].array())
        files = {key.rpartition("/")[0] for key, _ in read}
        assert len(files) == 1 + pieces  # its queries; its keys at first, and what was added
        assert len(read) == 2 * len(files)  # the index of each, and what is wanted
        del read[:]
    head = run[-1].map[0, 2:3].array()
    assert torch.equal(head, calls[-1].map[0, 2:3].array())
    assert sum(size for _, size in read) < 1.1 * wide[:, :, :1].nbytes


def test_a_cache_that_is_filled_while_it_is_written_loses_no_key(tmp_path, monkeypatch):
    from visualizer.store import strips
    from visualizer.store.writer import Writer

    keys, cache = tensor(1, H, 16, D), torch.zeros(1, H, 16, D)
    writer, real = Writer(tmp_path / "run.zarr"), np.flatnonzero

    def meanwhile(moved):
        """Have the model fill the next place between two looks at its memory."""
        found = real(moved)
        cache[:, :, step + 1] = keys[:, :, step + 1]
        return found

    monkeypatch.setattr(strips.np, "flatnonzero", meanwhile)
    for step in range(15):
        cache[:, :, step] = keys[:, :, step]
        seen = torch.arange(16)[None] <= step
        made = Factors(tensor(1, H, 1, D), cache[:], 1.0, mask=seen)
        writer.write(Call("x", AttentionMap(made), step, step, "by hand"))
    writer.commit()
    writer.close()
    for step, call in enumerate(viz.load(tmp_path / "run.zarr")):
        assert torch.equal(held(call.map).k[:, :, : step + 1], keys[:, :, : step + 1])


def test_a_window_of_keys_that_moves_is_stored_once(tmp_path):
    buffer = tensor(1, H, 256, D)
    calls = [
        Call("x", AttentionMap(Factors(tensor(1, H, 1, D), buffer[:, :, n : n + 16], 1.0)), n, n, "by hand")
        for n in range(100)
    ]
    Run(calls).save(tmp_path / "run.zarr")
    found = viz.load(tmp_path / "run.zarr")
    assert all(torch.equal(held(call.map).k, held(found[n].map).k) for n, call in enumerate(calls))
    assert stored_bytes(tmp_path / "run.zarr") < 1.5 * 4 * H * D * (116 + 100)


def test_without_inputs_texts_and_image_stay_out_and_with_them_they_are_in(tmp_path):
    run = viz.from_arrays({"a": numbers(3, 3)}, tokens=["my", "secret", "text"], image=numbers(4, 4, 3))
    run.save(tmp_path / "without.zarr")
    run.save(tmp_path / "with.zarr", inputs=True)
    found = b"".join(path.read_bytes() for path in (tmp_path / "without.zarr").rglob("*") if path.is_file())
    assert b"secret" not in found
    without, with_them = (viz.load(tmp_path / f"{name}.zarr") for name in ("without", "with"))
    assert without.image is None
    assert "save with inputs=True" in without.axis().segments[0].note
    assert with_them.tokens == ["my", "secret", "text"]
    assert np.array_equal(with_them.image, run.image)


def test_the_part_of_an_image_that_was_looked_at_is_saved_and_several_images_are(tmp_path):
    run = viz.from_arrays({"a": numbers(4, 4)}).label(axis=Grid(2, 2))
    photos = [np.full((20, 40 + 20 * n, 3), n, np.uint8) for n in range(2)]
    run.label(image=photos[0], crop=(10, 0, 20, 20)).save(tmp_path / "part.zarr", inputs=True)
    run.label(image=photos).save(tmp_path / "several.zarr", inputs=True)
    part, several = (viz.load(tmp_path / f"{name}.zarr") for name in ("part", "several"))
    assert part.place(1) == (20.0, 0.0, 10.0, 10.0)
    assert all(np.array_equal(one, other) for one, other in zip(several.image, photos, strict=True))
    assert several.place(3) == (20.0, 10.0, 20.0, 10.0)


def test_the_videos_of_a_batch_are_saved_each_with_what_is_said_of_it(tmp_path):
    run = viz.from_arrays({"a": numbers(2, 1, 8, 8)}).label(axis=Frames(2, 2, 2))
    run.label(image=[numbers(count, 8, 9, 3) * 4 for count in (2, 4)]).save(
        tmp_path / "run.zarr", inputs=True
    )
    loaded = viz.load(tmp_path / "run.zarr")
    for found, wanted in zip(loaded.seen, run.seen, strict=True):
        assert "are shown as black to white" in wanted[0].note
        assert [(one.box, one.note) for one in found] == [(one.box, one.note) for one in wanted]
        assert np.array_equal([one.pixels for one in found], [one.pixels for one in wanted])
