"""A client of the server, which sends what it is given as it is, and a proxy before the server."""

from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

import numpy as np


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    def array(self):
        shape = [int(length) for length in self.headers["X-Shape"].split(",")]
        return np.frombuffer(self.body, f"<{self.headers['X-Dtype']}").reshape(shape)


def connect(url, path="", *, method="GET", **headers):
    """Send a request for a path below an address, or for one from / on; return the connection."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname, parts.port, timeout=60)
    at = path if path.startswith("/") else parts.path + path
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.putrequest(method, at, skip_host="Host" in headers, skip_accept_encoding=True)
    for name, value in headers.items():
        if value is not None:
            connection.putheader(name, value)
    connection.endheaders()
    return connection


def ask(url, path="", **options):
    connection = connect(url, path, **options)
    response = connection.getresponse()
    answer = Answer(response.status, response.headers, response.read())
    connection.close()
    return answer


@contextmanager
def proxy(port, prefix, *, strips):
    """A proxy that has the server at a prefix, as notebook hubs have; it may strip it or not."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            path = self.path.removeprefix(prefix) if strips else self.path
            given = dict(self.headers)
            found = ask(f"http://127.0.0.1:{port}", path, **given)
            self.send_response(found.status)
            for name, value in found.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(found.body)

        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
