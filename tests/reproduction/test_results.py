"""The file of results: nothing is lost, nothing is mixed up, and what is left is known."""

import json
import threading

import pytest

from sisrnn_tf.reproduction import plans, timing
from sisrnn_tf.reproduction.results import Results
from sisrnn_tf.reproduction.runner import Runner
from sisrnn_tf.reproduction.timing import Observation
from tests.reproduction.conftest import make_run


def test_runs_added_at_once_are_all_kept_in_the_plans_order(mnist, tmp_path):
    chosen = mnist.select()
    start = threading.Barrier(len(chosen))

    def add(row, seed):
        start.wait()
        Results(mnist, tmp_path).add(make_run(mnist, row.name, seed))

    threads = [threading.Thread(target=add, args=pair) for pair in chosen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    runs = Results(mnist, tmp_path).read()
    assert [(run["row"], run["seed"]) for run in runs] == [(row.name, seed) for row, seed in chosen]


def test_a_run_replaces_its_own_result(mnist, tmp_path):
    results = Results(mnist, tmp_path)
    for nll in (90.0, 80.0):
        results.add(make_run(mnist, "vrnn", nll=nll))
    assert [run["records"][0]["nll"] for run in results.read()] == [80.0]


def test_results_of_another_configuration_are_refused_by_name(mnist, tmp_path):
    results = Results(mnist, tmp_path)
    run = make_run(mnist, "vrnn")
    run["config"]["training"]["epochs"] = 7
    results.path.write_text(json.dumps({"runs": [run]}))
    with pytest.raises(ValueError, match=r"the row vrnn, seed 0, with another configuration.*\n  epochs: 7 != 10"):
        results.read()
    results.path.write_text(json.dumps({"runs": [run | {"row": "gone"}]}))
    with pytest.raises(ValueError, match=r"the row gone, seed 0, which mnist-cpu does not have"):
        results.read()
    results.path.write_text(json.dumps({"runs": [make_run(mnist, "vrnn", seed=5)]}))
    with pytest.raises(ValueError, match=r"the row vrnn, seed 5, which mnist-cpu does not have"):
        results.read()


def test_a_run_without_epochs_or_there_twice_is_refused(mnist, tmp_path):
    results, run = Results(mnist, tmp_path), make_run(mnist, "vrnn")
    for runs, message in (([run | {"epochs": []}], "and epochs"), ([run, run], "a run is there twice")):
        results.path.write_text(json.dumps({"runs": runs}))
        with pytest.raises(ValueError, match=message):
            results.read()


@pytest.mark.parametrize("text", ["[{", "[]", "{}", '{"runs": 3}', '{"runs": [{"row": "vrnn"}]}'])
def test_a_damaged_file_is_refused(mnist, tmp_path, text):
    results = Results(mnist, tmp_path)
    results.path.write_text(text)
    with pytest.raises(ValueError, match=r"mnist-cpu.json is damaged"):
        results.read()


def test_what_is_left_goes_by_runs_of_the_row_and_else_by_weights(mnist):
    rnn, vrnn, sisrnn = (mnist.row(name) for name in ("rnn", "vrnn", "sisrnn_64"))
    assert timing.remaining([], [(rnn, 1.0)]) is None
    assert timing.describe(None) == "not known yet"
    known = [Observation(rnn, 100.0, 1.0), Observation(vrnn, 75.0, 0.5)]
    assert timing.remaining(known, [(rnn, 1.0), (vrnn, 0.5)]) == pytest.approx(100 + 75)
    rate = 175 / (rnn.weight + 0.5 * vrnn.weight)
    assert timing.remaining(known, [(sisrnn, 1.0)]) == pytest.approx(rate * sisrnn.weight)
    assert timing.describe(3700.2) == "about 1:01:40"


def test_the_list_says_what_is_done_and_what_is_left(mnist, tmp_path):
    results = Results(mnist, tmp_path / "results")
    runner = Runner(results, tmp_path / "work")
    runs = mnist.select(["rnn", "vrnn"], [0, 1])
    assert "4 of 4 runs are left: not known yet." in runner.describe(runs)
    results.add(make_run(mnist, "rnn"))
    folder = runner.folder(mnist.row("vrnn"), 0)
    folder.path.mkdir(parents=True)
    folder.metrics.write_text('{"epoch": 1, "step": 390, "seconds": 10.0}\n')
    lines = runner.describe(runs).splitlines()
    assert "  rnn, seed 0: done in 0:00:42" in lines
    assert "  rnn, seed 1: to do" in lines
    assert "  vrnn, seed 0: at 10% of its training" in lines
    assert lines[-1] == "3 of 4 runs are left: about 0:03:52."  # 42 of the RNN, (9 + 10) x 10 of the VRNN
    assert [(row.name, seed) for row, seed in runner.left(runs)] == [("rnn", 1), ("vrnn", 0), ("vrnn", 1)]


def test_missing_data_is_an_error_before_any_work_that_names_the_rows(tmp_path):
    plan = plans.make("language", "cpu")
    runner = Runner(Results(plan, tmp_path / "results"), tmp_path / "work", str(tmp_path))
    with pytest.raises(ValueError, match=r"Data of language-cpu is missing.*\nptb_vae_lstm, ptb_cyclic_vae, .*: .*ptb"):
        runner.run(plan.select())
    assert not list(tmp_path.iterdir())


def test_a_workdir_of_another_configuration_is_refused_before_any_work(tmp_path):
    plan = plans.make("language", "smoke")
    runner = Runner(Results(plan, tmp_path / "results"), tmp_path)
    row = plan.rows[-1]
    folder = runner.folder(row, 0)
    folder.create(row.config(1, None), "{}")
    with pytest.raises(ValueError, match=r"seed: 1 != 0"):
        runner.run(plan.select())
    assert not (tmp_path / "results").exists()
