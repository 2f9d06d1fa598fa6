"""A run: paths, patterns, calls, items, tables, tokens, and what may be kept of a call."""

import copy
import pickle
import threading

import numpy as np
import pytest
import torch
from tests.capture.test_empty import Attention, X
from torch import nn

import visualizer
from visualizer.errors import CallsError, MemoryBudgetError, NameNotBoundError, OptionError, VisualizerError
from visualizer.recorders.installation import INSTALLATION


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return nn.Sequential(Attention(), nn.Sequential(Attention(), Attention()))


def record(model, **options):
    with visualizer.capture(model, **options) as run:
        model(X)
    return run


def test_calls_are_in_the_order_of_execution(model):
    assert [call.path for call in record(model)] == ["0", "1.0", "1.1"]


def test_one_path_is_one_map_and_a_pattern_a_smaller_run(model):
    run = record(model)
    assert run["1.0"].shape == (2, 4, 5, 5)
    assert run["1.*"].paths == ["1.0", "1.1"]


def test_several_calls_of_a_path_name_the_ways_to_them(model):
    with visualizer.capture(model) as run:
        model(X)
        model(X)
    with pytest.raises(CallsError, match=r"2 calls of it were recorded: take one of run.calls\('0'\)"):
        run["0"]
    assert [(call.number, call.step) for call in run.calls("0")] == [(0, 0), (1, 1)]


def test_a_wrong_path_names_near_ones(model):
    with pytest.raises(CallsError, match=r"no call of it was recorded; there are 3 paths such as 1\.1"):
        record(model)["1.2"]


def test_items_and_rows_are_addressed(model):
    with visualizer.capture(model, modules="0") as run:
        for name in ("a", "b"):
            with run.item(name, rows=[f"{name}0", f"{name}1"]):
                model(X)
    assert [(call.item, call.step) for call in run] == [("a", 0), ("b", 0)]
    assert {row["item"] for row in run.table("entropy")} == {"a0", "a1", "b0", "b1"}


def test_an_item_goes_on_after_one_within_it(model):
    with visualizer.capture(model, modules="0") as run, run.item("outer"):
        model(X)
        with run.item("inner"):
            model(X)
            model(X)
        model(X)
    found = [(call.item, call.step) for call in run]
    assert found == [("outer", 0), ("inner", 0), ("inner", 1), ("outer", 1)]


def test_steps_of_items_without_a_hash_are_counted_apart(model):
    with visualizer.capture(model, every=3, modules="0") as run:
        for place in range(9):
            with run.item([place]):
                model(X)
    assert [(call.item, call.step) for call in run] == [([0], 0), ([3], 0), ([6], 0)]


def test_rows_that_no_call_has_are_told_on_leaving(model):
    with visualizer.capture(model) as run:
        for rows, told in ((["a"], "named 1 rows"), (list("abc"), "named 3 rows"), ("ab", "give a list")):
            with pytest.raises(OptionError, match=told), run.item("x", rows=rows):
                model(X)
        with run.item("y", rows=["a", "b"]):
            model(X)
    assert [call.rows for call in run.calls("0")] == [(), (), ("a", "b")]


def test_a_recording_can_be_stopped_and_taken_up_again(model):
    session = visualizer.capture(model)
    run = session.start()
    model(X)
    session.stop()
    model(X)
    session.start()
    model(X)
    session.stop()
    assert len(run) == 6
    session.start()
    with pytest.raises(VisualizerError, match="is on already"):
        session.start()
    session.stop()


@pytest.mark.parametrize("options", [{}, {"locals": "q"}])
def test_a_session_that_is_let_go_of_ends_its_recording(model, options):
    before = Attention.forward.__code__
    session = visualizer.capture(model, **options)
    run = session.start()
    model(X)
    del session
    model(X)
    assert len(run) == 3
    assert repr(run).endswith("keep it, as in session = capture(model), and call session.stop()")
    assert Attention.forward.__code__ is before
    assert INSTALLATION._following is None


def test_a_session_that_was_kept_by_nobody_says_so(model):
    run = visualizer.capture(model).start()
    model(X)
    assert run.why_empty().startswith("the session was let go of before it was stopped")


def test_last_queries_keep_all_their_keys(model):
    whole, last = record(model), record(model, queries="last")
    assert last["0"].shape == (2, 4, 1, 5)
    assert np.array_equal(last["0"].numpy(), whole["0"].numpy()[:, :, -1:])
    assert last.nbytes < whole.nbytes


def test_queries_by_a_function(model):
    run = record(model, queries=lambda query: query % 2 == 1)
    assert np.array_equal(run["0"].numpy(), record(model)["0"].numpy()[:, :, 1::2])


@pytest.mark.parametrize("keep", ["factors", "dense"])
def test_the_maps_are_the_same_however_they_are_kept(model, keep):
    assert np.allclose(record(model, keep=keep)["1.1"].numpy(), record(model)["1.1"].numpy(), atol=1e-7)


def test_read_outs_alone(model):
    run = record(model, keep="readouts", readouts=["entropy"])
    assert torch.allclose(run["0"]["entropy"], record(model)["0"].entropy())
    with pytest.raises(CallsError, match="the read-outs entropy was kept: read `content`"):
        _ = run.calls("0")[0].map


REST, ONE = 2 * 4 * 5 * 4, 2 * 4 * 5 * 8 * 4  # bytes: of what rows lack to 1, of q, k, v or the output
MAP = 5 * REST


@pytest.mark.parametrize(
    ("options", "held"),
    [
        ({"values": True}, 4 * ONE),
        ({"keep": "dense"}, MAP + REST),
        ({"keep": "dense", "values": True}, MAP + REST + 2 * ONE),
        ({"keep": "dense", "gradients": True}, MAP + REST + ONE),
        ({"keep": "readouts", "readouts": ["entropy"]}, REST),
        ({"keep": "readouts", "readouts": ["entropy"], "values": True}, REST + 2 * ONE),
    ],
)
def test_v_and_the_output_are_counted_however_the_map_is_kept(options, held):
    run = record(Attention(), **options)
    assert run.nbytes == held
    with pytest.raises(MemoryBudgetError):
        record(Attention(), budget=held - 1, **options)
    assert len(record(Attention(), budget=held, **options)) == 1


def test_a_local_of_every_forward_that_binds_it(model):
    run = record(model, locals="q")
    assert [call.shape for call in run] == [(2, 4, 5, 8)] * 3
    assert run[0].how.endswith("local `q` of Attention.forward")


def test_a_local_that_nothing_binds(model):
    with pytest.raises(NameNotBoundError, match="no forward of the model binds `attn`"):
        record(model, locals="attn")


def test_half_precision_and_elsewhere(model):
    run = record(model, dtype=torch.float16, device="cpu")
    assert np.abs(run["0"].numpy() - record(model)["0"].numpy()).max() < 1e-3
    assert run.nbytes < 0.6 * record(model).nbytes


def test_what_is_no_module_is_refused():
    with pytest.raises(VisualizerError, match=r"capture was asked to record a function; give it the torch"):
        visualizer.capture(lambda x: x)


def test_the_table_has_a_row_for_each_layer_and_head(model):
    run = record(model)
    table = run.table("mass", groups={"first": slice(0, 1), "rest": slice(1, None)}).sort(
        "first", descending=True
    )
    assert len(table) == 3 * 2 * 4
    assert table[0]["first"] >= table[-1]["first"]
    assert table[0]["first"] + table[0]["rest"] == pytest.approx(1, abs=1e-6)
    with pytest.raises(OptionError, match="column 'second' was asked for; there are"):
        table.sort("second")
    assert "first" in repr(table)


def test_the_table_of_read_outs_that_were_kept_is_that_of_the_maps(model):
    kept = record(model, keep="readouts", readouts=["entropy", "received"])
    for name in ("entropy", "received"):
        table, wanted = kept.table(name), record(model).table(name)
        assert [row[name] for row in table] == pytest.approx([row[name] for row in wanted])
        assert table.columns == wanted.columns
    groups = record(model, keep="readouts", readouts={"two": lambda map_: map_.mass([slice(0, 1), 1])})
    assert groups.table("two").columns[-2:] == ["two 0", "two 1"]
    with pytest.raises(OptionError, match="but it was kept as it is: leave them out"):
        kept.table("entropy", bits=True)
    with pytest.raises(CallsError, match="the read-outs entropy, received was kept"):
        kept.table("rest")


def test_every_row_can_be_checked(model):
    run = record(model, values=True)
    checked = run.check(all=True)
    assert [row["path"] for row in checked] == ["0", "1.0", "1.1"]
    assert all(row["error"] < 1e-6 for row in checked)
    wrong = copy.deepcopy(run)
    wrong[0].output.mul_(1.01)
    assert wrong.check(all=True)[0]["error"] > 1e-3
    with pytest.raises(CallsError, match=r"v was not kept: capture\(model, values=True\)"):
        record(model).check(all=True)


def test_text_is_found_among_the_tokens(model):
    run = record(model).label(["The", " code", " is", " 74", "21"])
    assert run.where("7421") == slice(3, 5)
    assert run["0"][0, 0, run.where("7421")].shape == (2, 5)
    with pytest.raises(
        CallsError, match="'9' was looked for in the tokens, but they read 'The code is 7421'"
    ):
        run.where("9")


def test_maps_that_one_already_has():
    array = np.full((2, 3, 3), 1 / 3, dtype=np.float32)
    run = visualizer.from_arrays({"a": array}, tokens=["x", "y", "z"])
    assert np.array_equal(run["a"].numpy()[0], array)


@pytest.mark.parametrize(
    "given", [[[0.5, 0.5], [1, 0]], [np.eye(2), np.eye(2)], [torch.eye(2), torch.eye(2)], (([1, 0], [0, 1]),)]
)
def test_lists_are_maps_too(given):
    wanted = np.asarray([one.numpy() if isinstance(one, torch.Tensor) else one for one in given])
    found = visualizer.from_arrays({"a": given})["a"].numpy()
    assert np.array_equal(found.reshape(wanted.shape), wanted)


@pytest.mark.parametrize("given", [[[1, 2], [3]], [["a", "b"], ["c", "d"]], [[None, 1], [1, 1]], 3, {"b": 1}])
def test_what_makes_no_map_is_told(given):
    with pytest.raises(VisualizerError, match="the (map|array) of 'a' "):
        visualizer.from_arrays({"a": given})
    with pytest.raises(VisualizerError, match="give a dictionary of maps by path"):
        visualizer.from_arrays(given if isinstance(given, list) else 3)


def test_the_image_of_arrays_stays_with_the_run():
    picture = np.zeros((4, 4, 3))
    run = visualizer.from_arrays({"a": np.eye(2)}, image=picture)
    assert run.image is picture
    assert run[:1].image is picture


def test_a_deep_copy_is_apart(model):
    run = record(model, values=True)
    twin = copy.deepcopy(run)
    assert np.array_equal(twin["0"].numpy(), run["0"].numpy())
    assert not set(twin[0].storages()) & set(run[0].storages())
    assert torch.equal(twin[0].output, run[0].output)


def test_pickling_is_refused(model):
    run = record(model)
    for one, name in ((run, "a Run"), (run[0], "a Call"), (run[0].map, "an AttentionMap")):
        with pytest.raises(VisualizerError, match=f"{name} was to be pickled"):
            pickle.dumps(one)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_call_and_a_map_can_be_copied(model, copied):
    call = record(model)[0]
    for twin in (copied(call).map, copied(call.map)):
        assert np.array_equal(twin.numpy(), call.map.numpy())


def test_the_repr_is_a_table(model):
    lines = repr(record(model)).splitlines()
    assert lines[0].split() == ["path", "calls", "shape", "recorded", "from", "held", "dense"]
    assert "3 calls of 3 modules" in lines[-2]
    assert "checked 3/3 calls, largest error" in lines[-2]
    assert lines[-1].startswith("nothing is known of the tokens of Attention: run.label(")


def test_sessions_nest(model):
    with visualizer.capture(model) as outer, visualizer.capture(model[1]) as inner:
        model(X)
    assert outer.paths == ["0", "1.0", "1.1"]
    assert inner.paths == ["0", "1"]


def test_an_error_of_the_model_leaves_nothing_patched(model):
    with pytest.raises(RuntimeError, match="mat1 and mat2"), visualizer.capture(model) as run:
        model(X[..., :7])
    model(X)
    assert len(run) == 0


def test_word_pieces_join_to_words():
    class Tokenizer:
        """Word pieces as BERT has them."""

        texts = ("the", "br", "##idge", "fell")

        def decode(self, ids):
            return " ".join(self.texts[token] for token in ids).replace(" ##", "")

    run = visualizer.from_arrays({}).label(tokenizer=Tokenizer(), input_ids=[0, 1, 2, 3])
    assert run.where("bridge") == slice(1, 3)


def test_each_thread_has_its_own_item():
    model, together = nn.Sequential(Attention(), Attention()), threading.Barrier(2)

    def work(name):
        with run.item(name, rows=[name]):
            together.wait()
            model(X[:1])
            together.wait()

    with visualizer.capture(model) as run:
        threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with run.item("c"):
            alone = threading.Thread(target=model, args=(X[:1],))
            alone.start()
            alone.join()
    assert sorted((call.item, call.rows) for call in run) == sorted(
        [("a", ("a",)), ("b", ("b",)), ("c", ())] * (len(run) // 3)
    )
