"""launch.report as a process."""

import html
import json
import re
import shlex
import shutil

from tests.launch import launcher


def read_commands(page):
    """The module and the flags of each command on a page."""
    texts = [html.unescape(text) for text in re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", page, re.DOTALL)]
    words = [shlex.split(text.replace("\\\n", " ")) for text in texts]
    return [(command[2].removeprefix("launch."), command[3:]) for command in words]


def test_writes_a_page_whose_commands_make_the_records(trained, tmp_path):
    workdir = shutil.copytree(trained[0], tmp_path / "run")
    path = workdir / "evaluation.json"
    validation, test = json.loads(path.read_text())
    key = {"estimator": "IWAE", "num_mixing": 1, "num_importance": 2, "seed": 3, "num_sequences": 10}
    path.write_text(json.dumps([validation, test, test | key | {"nll": 0.0}]))  # as if it had been evaluated

    status, output = launcher.run_anew("report", f"--workdir={workdir}")
    assert status == 0, output
    assert f"Report: {workdir / 'report.html'}" in output
    page = (workdir / "report.html").read_text()
    assert re.search(rf"NLL ≤ {test['nll']:.1f}\d* ± ", page) or f"NLL ≤ {test['nll']:.2f}" in page, page
    assert page.count("data:image/png;base64,") == 3
    assert "Unfinished" not in page

    (train, _), (module, arguments) = read_commands(page)
    assert (train, module) == ("train", "evaluate")
    status, output = launcher.run(module, *arguments)
    assert status == 0, output
    *others, record = json.loads(path.read_text())
    assert others == [validation, test]
    assert key.items() <= record.items()
    assert record["nll"] > 0


def test_the_output_can_be_chosen(trained, tmp_path):
    status, output = launcher.run("report", f"--workdir={trained[0]}", f"--output={tmp_path / 'pages' / 'page.html'}")
    assert status == 0, output
    assert (tmp_path / "pages" / "page.html").exists()
    assert not (trained[0] / "report.html").exists()


def test_a_folder_without_a_run_is_refused(tmp_path):
    status, output = launcher.run("report", f"--workdir={tmp_path}")
    assert status != 0
    assert "must be the folder of a run" in output
    assert "Traceback" not in output
    assert not list(tmp_path.iterdir())
