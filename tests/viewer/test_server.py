"""The server answers as the payload does, many at once, and stops when nobody waits."""

import gzip
import json
import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlencode, urlsplit

import numpy as np
import pytest
import torch
from tests.viewer.asking import ask, connect
from tests.viewer.test_payload import FACTORS, run_of

from visualizer.attention import AttentionMap, Band, Factors
from visualizer.calls import Call
from visualizer.errors import CallsError, OptionError, VisualizerError
from visualizer.run import Run
from visualizer.viewer import serve
from visualizer.viewer.answering import answers
from visualizer.viewer.payload import Payload
from visualizer.viewer.tiles import WIDTH

RANDOM = np.random.default_rng(2)
Q, K = RANDOM.normal(size=(2, 1, 2, 1200, 16)).astype(np.float32)
A = AttentionMap(Factors(Q, K, 0.5, band=Band()))
NAN = float("nan")
RUN = Run(
    [
        Call("layer.0", A, 0, 0, "given", error=NAN),
        Call("</script>\u202e", AttentionMap(FACTORS["padded"]), 0, 1, "given"),
    ]
)
HEAD = {"map": 0, "batch": 0, "head": 1}
TILE = HEAD | {"level": 1, "row": 1, "column": 0, "how": "max"}
ASKED = {
    "blob": {"name": "0.mean"},
    "rows": HEAD | {"queries": [0, 700, 3]},
    "column": HEAD | {"key": 5},
    "tile": TILE,
}


@pytest.fixture(scope="module")
def server():
    with serve(RUN) as server:
        yield server


def address(kind, words):
    if kind == "blob":
        return f"blob/{words['name']}"
    listed = {
        name: ",".join(map(str, value)) if isinstance(value, list) else value for name, value in words.items()
    }
    return f"{kind}?{urlencode(listed)}"


@pytest.mark.parametrize("kind", ASKED)
def test_answers_are_those_of_the_payload(server, kind):
    expected = answers(Payload(RUN, served=True), ASKED[kind] | {"kind": kind})
    found = ask(server.url, address(kind, ASKED[kind]))
    assert found.status == 200
    assert found.array().tobytes() == expected.data
    assert found.array().shape == expected.shape
    assert found.headers["Content-Type"] == "application/octet-stream"
    assert found.headers["X-Sampled"] is None


def test_a_tile_of_some_rows_says_so(monkeypatch):
    monkeypatch.setattr("visualizer.viewer.tiles.MOST", 1200 * WIDTH * 600)
    with serve(RUN) as server:
        assert ask(server.url, address("tile", TILE | {"level": 3, "row": 0})).headers["X-Sampled"] == "4"


def test_the_manifest_is_json_without_nan(server):
    found = ask(server.url, "manifest.json")
    told = json.loads(found.body, parse_constant=lambda name: pytest.fail(name))
    assert told["served"] is True
    assert [one["path"] for one in told["maps"]] == ["layer.0", "</script>\u202e"]
    assert told["maps"][0]["error"] is None
    assert b"</script>" not in found.body
    assert found.headers["Content-Type"].startswith("application/json")


def test_nan_in_arrays_arrives():
    a = AttentionMap(Factors(Q, K, 0.5, query_valid=np.arange(1200) < 300))
    with serve(run_of(a)) as server:
        found = ask(server.url, address("tile", TILE | {"level": 0})).array()
    assert np.isfinite(found[:44]).all()
    assert np.isnan(found[44:]).all()


def test_the_page_is_html_and_its_files_are_those_of_the_package(built, server):
    found = ask(server.url)
    assert found.headers["Content-Type"] == "text/html; charset=utf-8"
    links = re.findall(rb'(?:src|href)="([^":]+)"', found.body)
    assert sorted(links) == [b"page/viewer.css", b"page/viewer.js"]
    for name, kind in ((b"viewer.js", "text/javascript"), (b"viewer.css", "text/css")):
        sent = ask(server.url, f"page/{name.decode()}")
        assert sent.headers["Content-Type"] == f"{kind}; charset=utf-8"
        assert sent.body == (built / name.decode()).read_bytes()


@pytest.mark.parametrize(
    "path",
    ["", "manifest.json", "page/viewer.js", "nothing", *(address(kind, ASKED[kind]) for kind in ASKED)],
)
def test_head_is_get_without_a_body(built, server, path):
    whole, head = ask(server.url, path), ask(server.url, path, method="HEAD")
    assert (head.status, head.body) == (whole.status, b"")
    assert [pair for pair in head.headers.items() if pair[0] != "date"] == [
        pair for pair in whole.headers.items() if pair[0] != "date"
    ]


@pytest.mark.parametrize(
    "path", ["", "manifest.json", "page/viewer.js", "blob/1.mean", address("tile", TILE)]
)
def test_what_is_shorter_in_gzip_is_sent_so_to_who_takes_it(built, server, path):
    plain, packed = ask(server.url, path), ask(server.url, path, Accept_Encoding="br, gzip")
    assert plain.headers["Content-Encoding"] is None
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"
    if packed.headers["Content-Encoding"]:
        assert gzip.decompress(packed.body) == plain.body
        assert len(packed.body) < 0.8 * len(plain.body)


def test_text_is_packed_and_noise_is_not(built, server):
    kinds = {
        path: ask(server.url, path, Accept_Encoding="gzip").headers["Content-Encoding"]
        for path in ("page/viewer.js", "blob/0.0.0.q")
    }
    assert kinds == {"page/viewer.js": "gzip", "blob/0.0.0.q": None}


PARTS = ["0-0", "0-99", "100-", "-7", "5-5", "0-999999999999", "-999999999999"]


@pytest.mark.parametrize("part", PARTS)
def test_a_range_of_a_blob_is_that_part(server, part):
    whole = ask(server.url, "blob/0.mean")
    found = ask(server.url, "blob/0.mean", Range=f"bytes={part}", Accept_Encoding="gzip")
    first, last = (int(number) if number else None for number in part.split("-"))
    expected = whole.body[-last:] if first is None else whole.body[first : None if last is None else last + 1]
    assert (found.status, found.body) == (206, expected)
    unit, begin, end, size = re.fullmatch(r"(\w+) (\d+)-(\d+)/(\d+)", found.headers["Content-Range"]).groups()
    assert (unit, int(size)) == ("bytes", len(whole.body))
    assert whole.body[int(begin) : int(end) + 1] == expected
    assert found.headers["X-Shape"] == whole.headers["X-Shape"]
    assert whole.headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize("part", ["999999999-", "16384-", "-0"])
def test_a_range_beyond_the_end_is_refused_with_the_size(server, part):
    found = ask(server.url, "blob/0.mean", Range=f"bytes={part}")
    assert (found.status, found.body) == (416, b"")
    assert found.headers["Content-Range"] == "bytes */16384"


@pytest.mark.parametrize(
    "part",
    [
        "bytes=5-2",
        "bytes=-",
        "bytes=a-b",
        "lines=0-1",
        "bytes=0-1,4-5",
        "bytes=" + "9" * 5000 + "-",
        "bytes=²-",
    ],
)
def test_a_range_that_is_none_is_ignored(server, part):
    found = ask(server.url, "blob/0.mean", Range=part.encode("latin1").decode("latin1"))
    assert (found.status, len(found.body)) == (200, 16384)
    assert ask(server.url, "blob/0.mean", Range="bytes=0-1", If_Range='"x"').status == 200


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("blob/nothing", "the array 'nothing' was asked for, which the manifest does not name"),
        (address("rows", HEAD | {"head": 2, "queries": [0]}), "head '2' was asked for; there are 2"),
        (address("rows", HEAD | {"queries": [1200]}), "query '1200' was asked for; there are 1200"),
        (address("rows", HEAD | {"queries": list(range(513))}), "give 1 to 512 queries"),
        ("rows?map=0&batch=0&head=0", "give 1 to 512 queries"),
        ("rows?map=0&batch=0&head=0&queries=", "query '' was asked for"),
        ("tile?map=" + "9" * 5000, "was asked for; there are 2, counted from 0"),
        ("column?kind=blob&name=0.mean", "map None was asked for"),
        (address("tile", TILE | {"level": 9}), "level '9' was asked for"),
    ],
)
def test_what_is_not_there_is_one_sentence(server, path, sentence):
    found = ask(server.url, path)
    assert found.status == 404
    assert found.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert sentence in found.body.decode()
    assert "Traceback" not in found.body.decode()


def test_a_map_that_was_changed_says_so_and_what_nobody_foresaw_is_logged(caplog):
    def fails(batch, head, query, key):
        if changes:
            raise RuntimeError("SECRET")
        return query >= key

    changes, changed = [], torch.from_numpy(Q.copy())
    maps = [
        Factors(changed, torch.from_numpy(K), 0.5),
        Factors(torch.from_numpy(Q), torch.from_numpy(K), 0.5, mask_mod=fails),
    ]
    run = Run([Call(f"layer.{n}", AttentionMap(one), 0, n, "given") for n, one in enumerate(maps)])
    with serve(run) as server:
        changed += 1
        changes.append("changed")
        found = ask(server.url, address("tile", TILE))
        assert found.status == 500
        assert b"changed" in found.body
        found = ask(server.url, address("tile", TILE | {"map": 1}))
        assert found.status == 500
        assert b"SECRET" not in found.body
        assert "SECRET" in caplog.text
        assert ask(server.url).status == 200


def test_many_ask_at_once(server):
    paths = [address("rows", HEAD | {"queries": [query]}) for query in range(60)]
    paths += [
        address("tile", TILE | {"level": 0, "row": row, "column": column})
        for row in range(4)
        for column in range(4)
    ]
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda path: ask(server.url, path).array(), paths))
    assert all(np.array_equal(one[0], A[0, 1, query].numpy()) for query, one in enumerate(found[:60]))
    whole = np.block([[found[60 + 4 * row + column] for column in range(4)] for row in range(4)])
    assert np.allclose(whole, A[0, 1, :1024, :1024].numpy(), atol=1e-5)


class Slow:
    """A map whose blocks wait, as those of a long one do, and which counts them."""

    def __init__(self):
        self.begun, self.go, self.blocks = threading.Semaphore(0), threading.Event(), 0

    def mask(self, batch, head, query, key):
        self.blocks += 1
        self.begun.release()
        assert self.go.wait(60)
        return query >= key

    def map(self):
        q, k = torch.from_numpy(Q), torch.from_numpy(K)
        return AttentionMap(Factors(q, k, 0.5, mask_mod=self.mask))

    def wait(self, count):
        assert all(self.begun.acquire(timeout=60) for _ in range(count))


@contextmanager
def busy():
    """A server whose threads for tiles all compute for somebody, what they compute, and their requests."""
    slow, other = Slow(), Slow()
    calls = [Call(f"layer.{n}", one, 0, n, "given") for n, one in enumerate([slow.map(), A, other.map()])]
    slow.go.set()
    other.go.set()
    with serve(Run(calls)) as server:  # what the page is told first has been made
        for one in (slow, other):
            one.__init__()
        threads = server._workers._slow._max_workers
        waiting = [
            connect(server.url, address("tile", TILE | {"level": 0, "row": row % 4, "column": row // 4}))
            for row in range(threads)
        ]
        slow.wait(threads)
        try:
            yield server, slow, other, waiting
        finally:
            slow.go.set()
            other.go.set()
            for connection in waiting:
                connection.close()


def settle(server):
    """Ask so often that what came before was noticed."""
    for _ in range(50):
        assert ask(server.url, "manifest.json").status == 200


def test_a_row_does_not_wait_for_tiles():
    with busy() as (server, slow, _, waiting):
        found = ask(server.url, address("rows", HEAD | {"map": 1, "queries": [7]}))
        assert np.array_equal(found.array()[0], A[0, 1, 7].numpy())
        slow.go.set()
        assert all(connection.getresponse().status == 200 for connection in waiting)


def test_what_is_computed_for_nobody_stops_before_its_next_block():
    with busy() as (server, slow, _, waiting):
        before = slow.blocks
        for connection in waiting:
            connection.close()
        settle(server)
        slow.go.set()
        found = ask(server.url, address("tile", TILE | {"map": 1}))  # by a thread that is free again
        assert found.status == 200
        assert slow.blocks == before


def test_what_waits_for_nobody_is_never_begun():
    with busy() as (server, slow, other, waiting):
        connect(server.url, address("tile", TILE | {"map": 2})).close()
        settle(server)
        slow.go.set()
        assert all(connection.getresponse().status == 200 for connection in waiting)
        assert ask(server.url, address("tile", TILE | {"map": 1})).status == 200
        assert other.blocks == 0


def test_who_stays_is_answered_although_another_who_asked_the_same_left():
    with busy() as (server, slow, _, waiting):
        path = address("tile", TILE | {"map": 1})
        connect(server.url, path).close()
        stays = connect(server.url, path)
        settle(server)
        slow.go.set()
        assert stays.getresponse().status == 200
        stays.close()


def remainder(sock):
    """What still comes before the other side closes."""
    received = b""
    while more := sock.recv(2**16):
        received += more
    return received


def test_it_stops_at_once_and_leaves_nothing():
    before = set(threading.enumerate())
    with busy() as (server, slow, _, waiting):
        idle = connect(server.url)
        idle.getresponse().read()
        server.stop()
        assert "stopped" in repr(server)
        with pytest.raises(OSError, match="refused"):
            ask(server.url)
        for connection in (*waiting, idle):
            assert b"200" not in remainder(connection.sock)
        idle.close()
        slow.go.set()
        server.stop()
    for thread in set(threading.enumerate()) - before:
        thread.join(60)
        assert not thread.is_alive()


def test_waiting_ends_when_another_thread_stops_it():
    server = serve(RUN)
    waiting = threading.Thread(target=server.wait)
    waiting.start()
    server.stop()
    waiting.join(60)
    assert not waiting.is_alive()


def test_two_runs_are_compared_and_three_are_refused():
    with serve([RUN, RUN]) as server:
        told = json.loads(ask(server.url, "manifest.json").body)
        assert [one["run"] for one in told["maps"]] == [0, 0, 1, 1]
    with pytest.raises(OptionError, match="give one, or two to compare"):
        serve([RUN] * 3)


def test_a_port_that_is_taken_is_one_sentence():
    with (
        serve(RUN) as server,
        pytest.raises(VisualizerError, match=f"port {server.port} was to be listened at"),
    ):
        serve(RUN, port=server.port)
    with pytest.raises(OptionError, match="port 70000 was asked for"):
        serve(RUN, port=70000)
    with pytest.raises(VisualizerError, match="^no address of this was to be listened at, but: [^()]*$"):
        serve(RUN, host="no address of this")


def test_it_listens_at_the_loopback_alone_unless_asked():
    with serve(RUN) as server:
        assert server._socket.getsockname()[0] == "127.0.0.1"
        assert urlsplit(server.url).hostname == "127.0.0.1"
    with serve(RUN, host="0.0.0.0") as server:
        assert ask(server.url).status == 200
    if socket.has_ipv6:
        with serve(RUN, host="::1") as server:
            assert "[::1]" in server.url
            assert ask(server.url, Host=f"[::1]:{server.port}").status == 200


def test_a_run_without_maps_says_why():
    with pytest.raises((OptionError, CallsError), match="no map in it"):
        serve(Run([]))
