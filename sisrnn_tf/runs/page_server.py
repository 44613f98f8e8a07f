"""A page for a browser on this machine alone: its files, and functions from JSON to JSON that it calls."""

import http.server
import json
import logging
import sys
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from sisrnn_tf.core.validation import parse_json

HOST = "127.0.0.1"  # reached from this machine, and from no other
_LOGGER = logging.getLogger(__name__)
_MAX_BYTES = 1_000_000  # of a request
_POLICY = "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


class PageServer(http.server.ThreadingHTTPServer):
    """Serves a page.

    Args:
        port: where; 0 for any that is free.
        files: path -> what kind of file it is, and its content.
        functions: path -> what answers a JSON value that is sent there; its ValueError is the sender's mistake.

    Raises:
        OSError: something else has the port.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(
        self, port: int, files: Mapping[str, tuple[str, bytes]], functions: Mapping[str, Callable[[Any], Any]]
    ):
        self.files, self.functions = files, functions
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            advice = "Give another by --port, or 0 for any that is free."
            raise OSError(f"Port {port} of {HOST} cannot be had: {error.strerror}. {advice}") from error

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says on the console what failed; a browser that has gone away meanwhile is no failure."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    @property
    def address(self) -> str:
        """The page's, for a browser."""
        return f"http://{HOST}:{self.server_address[1]}/"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: PageServer
    server_version = "sisrnn"
    timeout = 30  # seconds that a sender may be silent

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path not in self.server.files:
            self._send_error(HTTPStatus.NOT_FOUND, f"There is no page {path}.")
            return
        self._send(HTTPStatus.OK, *self.server.files[path])

    def do_POST(self) -> None:
        function = self.server.functions.get(self.path)
        if function is None:
            self._send_error(HTTPStatus.NOT_FOUND, f"Nothing is answered at {self.path}.")
            return
        try:
            answer = function(parse_json(self.rfile.read(self._length())))
        except TimeoutError:
            self.close_connection = True
            self._send_error(
                HTTPStatus.REQUEST_TIMEOUT, f"The request did not come whole within {self.timeout} seconds."
            )
        except ValueError as error:
            self._send_error(HTTPStatus.BAD_REQUEST, str(error))
        except Exception:
            _LOGGER.exception("A request to %s failed.", self.path)
            self._send_error(HTTPStatus.INTERNAL_SERVER_ERROR, "The model failed; the console says how.")
        else:
            self._send_json(HTTPStatus.OK, answer)

    def _length(self) -> int:
        text = self.headers.get("Content-Length", "")
        if not (text.isascii() and text.isdecimal() and int(text) <= _MAX_BYTES):
            self.close_connection = True  # what follows is not read
            raise ValueError(f"A request must say its length, at most {_MAX_BYTES:,} bytes. Received: {text or 'none'}")
        return int(text)

    def _send_error(self, status: HTTPStatus, sentence: str) -> None:
        self._send_json(status, {"error": sentence})

    def _send_json(self, status: HTTPStatus, value: Any) -> None:
        self._send(status, "application/json", json.dumps(value).encode("utf-8"))

    def _send(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        self.send_response(status)
        headers = {"Content-Type": kind, "Content-Length": str(len(content)), "Content-Security-Policy": _POLICY}
        headers |= {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Keeps what is asked off the console."""
        _LOGGER.debug(format, *arguments)
