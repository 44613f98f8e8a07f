"""A page for this machine alone: what it serves, what it answers, and what it says of bad requests."""

import http.client
import json
import socket
import threading

import pytest

from sisrnn_tf.runs.page_server import PageServer


def _double(value):
    if not isinstance(value, int):
        raise ValueError(f"`value` must be an int. Received: {value!r}")
    return {"double": 2 * value, "third": 3 // value}


@pytest.fixture(scope="module")
def server():
    with PageServer(0, {"/": ("text/html", b"<p>a page")}, {"/double": _double}) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def _ask(server, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection(*server.server_address, timeout=30)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response, content


def test_it_is_reached_from_this_machine_alone(server):
    assert server.server_address[0] == "127.0.0.1"
    assert server.address == f"http://127.0.0.1:{server.server_address[1]}/"


def test_files_are_served_as_what_they_are(server):
    response, content = _ask(server, "GET", "/?a=b")
    assert (response.status, content, response.headers["Content-Type"]) == (200, b"<p>a page", "text/html")
    assert response.headers["Content-Security-Policy"].startswith("default-src 'self'")
    response, content = _ask(server, "GET", "/../setup.cfg")
    assert response.status == 404 and "no page" in json.loads(content)["error"]


def test_functions_answer_json(server):
    response, content = _ask(server, "POST", "/double", "3")
    assert response.status == 200 and json.loads(content) == {"double": 6, "third": 1}


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "message"),
    [
        ("/double", '"x"', {}, 400, "`value` must be an int. Received: 'x'"),
        ("/double", "{", {}, 400, "it is not valid JSON"),
        ("/double", b"\xff", {}, 400, "it is not valid JSON"),
        ("/double", "[" * 100_000, {}, 400, "it is not valid JSON"),
        ("/double", None, {"Content-Length": "1000000000"}, 400, "at most 1,000,000 bytes. Received: 1000000000"),
        ("/double", None, {"Content-Length": "-1"}, 400, "must say its length"),
        ("/triple", "3", {}, 404, "Nothing is answered at /triple."),
    ],
)
def test_a_bad_request_is_answered_by_a_sentence(server, path, body, headers, status, message):
    response, content = _ask(server, "POST", path, body, headers)
    assert response.status == status and message in json.loads(content)["error"]


def test_an_error_that_is_not_the_senders_stays_on_the_console(server, caplog):
    response, content = _ask(server, "POST", "/double", "0")
    assert response.status == 500 and "division" not in content.decode()
    assert "ZeroDivisionError" in caplog.text


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"Port {port} of 127.0.0.1 cannot be had: .*Give another by --port"):
            PageServer(port, {}, {})
