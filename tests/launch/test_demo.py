"""launch.demo as a process."""

import re
import signal
import urllib.request

from tests.launch import launcher


def test_serves_a_page_until_it_is_interrupted():
    process = launcher.start("demo", "--port=0")
    address = None
    while address is None and process.poll() is None:
        address = re.search(r"Open (http://127\.0\.0\.1:\d+/) in a browser", process.read())
    assert address, process.read()
    with urllib.request.urlopen(address[1], timeout=60) as response:
        assert b"<h1>Begin, and the model goes on</h1>" in response.read()
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and output.endswith("Ended.\n") and "Traceback" not in output, output
