"""Who is answered: with the token, by a known name, for reading alone."""

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from tests.viewer.asking import ask, proxy
from tests.viewer.test_payload import Q, run_of

from visualizer.attention import AttentionMap, Factors
from visualizer.errors import OptionError
from visualizer.viewer import serve

RUN = run_of(AttentionMap(Factors(Q, Q, 0.3)))
REBINDING = ["evil.org", "localhost.evil.org:80", "localhost@evil.org", "127.0.0.1.evil.org", "0.0.0.0", ""]
SECRET = "/etc/passwd"


@pytest.fixture(scope="module")
def server():
    with serve(RUN) as server:
        yield server


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8888", "[::1]:80", "[::1]"])
def test_names_of_this_machine_are_known_on_any_port(server, host):
    assert ask(server.url, Host=host).status == 200
    assert ask(server.url, Origin=f"http://{host}").status == 200


@pytest.mark.parametrize("host", REBINDING)
def test_a_strange_name_is_refused_even_with_the_token(server, host):
    found = ask(server.url, "manifest.json", Host=host)
    assert found.status == 403
    assert b"--allow-host" in found.body
    assert b"layer" not in found.body


@pytest.mark.parametrize(
    "origin", ["http://evil.org", "null", "", "https://localhost.evil.org", "http://[::1", "//x"]
)
def test_a_page_from_elsewhere_is_refused(server, origin):
    assert ask(server.url, "manifest.json", Origin=origin).status == 403


def test_no_name_or_two_are_refused(server):
    assert ask(server.url, Host=None).status == 400
    assert ask(server.url, Host="localhost", host="evil.org").status == 400
    assert ask(server.url, Origin="http://localhost", origin="http://evil.org").status == 403


def test_a_name_that_was_allowed_is_known():
    with serve(RUN, allow_hosts=["Hub.example.org:8443"]) as server:
        assert ask(server.url, Host="hub.example.org", Origin="https://hub.example.org").status == 200
        assert ask(server.url, Host="example.org").status == 403


def test_without_the_token_there_is_nothing_and_no_hint(server):
    token = urlsplit(server.url).path.strip("/")
    assert len(token) >= 32
    wrong = [
        "/",
        "/manifest.json",
        f"/{token[:-1]}/",
        f"/{token}x/",
        f"/x/{token}/",
        f"//{token}/",
        "/%F0%28/",
        "/%C3%A9/",
    ]
    found = [ask(server.url, path) for path in wrong]
    assert {(one.status, one.body) for one in found} == {(404, b"Not Found")}
    with serve(RUN) as other:
        assert ask(other.url, f"/{token}/").status == 404


def test_an_address_without_its_last_slash_leads_to_the_page(server):
    found = ask(server.url.rstrip("/"))
    assert found.status == 307
    assert found.headers["Location"] == urlsplit(server.url).path.strip("/") + "/"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FOO"])
@pytest.mark.parametrize("path", ["", "manifest.json", "blob/0.mean", "nothing"])
def test_nothing_can_be_written(server, method, path):
    found = ask(server.url, path, method=method)
    assert (found.status, found.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["", "manifest.json", "page/viewer.js", "blob/0.mean", "nothing", "/"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_every_answer_tells_browsers_what_they_may_do(server, path, method):
    headers = ask(server.url, path, method=method).headers
    policy = dict(one.split(" ", 1) for one in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Server" not in headers
    assert not [name for name in headers if name.startswith("Access-Control")]


@pytest.mark.parametrize(
    "path",
    [
        *(
            "page/../../../../../..{}",
            "page/{}",
            "page/..%2f..%2f..%2f..%2f..%2f..{}",
            "page/%2e%2e/%2e%2e/{}",
        ),
        *(
            "blob/../../../../../..{}",
            "blob/{}",
            "blob/..%2f..%2f..%2f..{}",
            "blob/file:%2f%2f{}",
            "blob/%00{}",
        ),
        *(
            "..{}",
            "page/viewer.js/..{}",
            "page/viewer.js%00",
            "page/__init__.py",
            "page/..%5cviewer.js",
            "page/",
        ),
        *("page/%252e%252e%252f{}", "blob/%ff%fe", "blob/", "blob", "rows/../manifest.json", "tile{}"),
    ],
)
def test_names_are_looked_up_and_never_are_paths(server, path):
    found = ask(server.url, path.format(SECRET))
    assert found.status == 404
    assert b"root:" not in found.body


@pytest.mark.parametrize("strips", [True, False])
@pytest.mark.parametrize("base", ["{}/user/me/proxy/80", "/user/me/proxy/80/"])
def test_a_proxy_may_strip_its_prefix_or_not(strips, base):
    prefix, hub = "/user/me/proxy/80", "https://hub.example.org"
    with serve(RUN, base_url=base.format(hub), allow_hosts=["hub.example.org"]) as server:
        path = server.url.removeprefix(hub)
        assert path.startswith(f"{prefix}/")
        with proxy(server.port, prefix, strips=strips) as front:
            given = {"Host": "hub.example.org", "Origin": hub}
            assert ask(front, path, **given).status == 200
            assert ask(front, f"{path}blob/0.mean", **given).array().shape == (2, 4, 64, 64)
            assert ask(front, f"{prefix}/wrong/", **given).status == 404
            to = ask(front, path.rstrip("/"), **given).headers["Location"]
            assert f"{path.rstrip('/').rpartition('/')[0]}/{to}" == path


def test_the_name_in_the_proxy_s_address_is_known():
    with serve(RUN, base_url="https://hub.example.org/x") as server:
        path = server.url.removeprefix("https://hub.example.org")
        assert ask(f"http://127.0.0.1:{server.port}", path, Host="hub.example.org").status == 200


@pytest.mark.parametrize(
    "options",
    [
        {"base_url": "hub.example.org/x"},
        {"base_url": "javascript:x"},
        {"base_url": "ftp://hub.example.org/x"},
        {"base_url": "http://[x/"},
        {"allow_hosts": ["a b@c"]},
        {"allow_hosts": [""]},
        *(
            {"allow_frames": [frame]}
            for frame in ("*", "https:", "http://*", "hub.example.org", "http://a; script-src *")
        ),
    ],
)
def test_what_is_no_address_is_refused(options):
    with pytest.raises(OptionError):
        serve(RUN, **options)


@pytest.fixture
def outside(tmp_path):
    """The address of an origin of its own with a page, and that page's file."""
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever).start()
        yield f"http://localhost:{server.server_port}", tmp_path / "page.html"
        server.shutdown()


@pytest.mark.parametrize("allowed", [True, False])
def test_only_pages_of_an_origin_that_was_allowed_may_show_it_in_a_frame(built, browser, outside, allowed):
    origin, file = outside
    with serve(RUN, allow_frames=["vscode-webview:", *[origin] * allowed]) as server:
        policy = urlopen(server.url).headers["Content-Security-Policy"]
        assert policy.partition("frame-ancestors ")[2].startswith("'self' vscode-webview: vscode-file:")
        file.write_text(f"<iframe src='{server.url}' width=900 height=600></iframe>")
        page = browser.new_page()
        if allowed:
            page.goto(f"{origin}/page.html")
            page.frame_locator("iframe").locator("[data-ready=true]").wait_for()
        else:
            with page.expect_console_message(lambda one: "frame-ancestors" in one.text):
                page.goto(f"{origin}/page.html")
            assert page.frame_locator("iframe").locator("#visualizer").count() == 0
        page.close()
