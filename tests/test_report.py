"""The report of a run: which numbers it shows and how, and that its page needs nothing but itself."""

import base64
import html.parser
import json
import math
import re
import statistics

import numpy as np
import pytest

from sisrnn_tf import emissions
from sisrnn_tf.analysis import plotting
from sisrnn_tf.configuration.families import FAMILIES
from sisrnn_tf.configuration.presets import from_options
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.runs import report, settings, typeset
from sisrnn_tf.runs.workdir import Workdir

CONVENTION = "digits, threshold, rows (T=8, D=8)"
SPEC = DataSpec("digits", CONVENTION, "bernoulli", 8, 8, (8, 8), (1297, 250, 250))
DASH = "\u2013"
TINY = {"epochs": 2}  # 40 steps an epoch
METRICS = [
    {"epoch": 1, "step": 40, "loss": 30.0, "kl": 3.0, "num_mixing": 1.0, "val_loss": 20.125, "val_kl": 2.0},
    {"epoch": 2, "step": 80, "loss": 25.0, "kl": 4.0, "num_mixing": 2.0, "val_loss": 21.0, "val_kl": math.nan},
]
DIAGNOSTICS = {
    "model": "sisrnn",
    "split": "test",
    "convention": CONVENTION,
    "num_sequences": 9,
    "num_noise_draws": 7,
    "seed": 0,
    "latent_size": 2,
    "active_units": 1,
    "verdict": "the mixing has collapsed, below 0.1% of the variance: this SIS-RNN has become a VRNN",
    "mean_negentropy": 0.125,
    "factorizes": False,
    "strongest_correlation": 0.25,
    "total_correlation": 0.0323,
    "mutual_information_limit": 2.1972,
    "kl_per_step": [1.0, None],
    "mutual_information_per_step": [0.5, 0.25],
    "dimensions": [{"dimension": 0, "active": True, "activity": 0.0375}, {"dimension": 1, "active": False}],
}

GAPS = {
    **{"model": "vrnn", "convention": CONVENTION, "epoch": 2, "split": "validation", "quantity": "NLL <="},
    **{"num_sequences": 1000, "seed": 3, "num_mixing": 10, "num_draws": 4, "num_importance": 50, "num_epochs": 5},
    **{"num_steps": 200, "num_alone_steps": 500, "verdict": "worth closing: looking ahead, +0.50 nats a sequence"},
}
OWN = {"label": "its own", "nll": 20.0, "standard_error": 0.5, "num_sequences": 1000}
GAPS["rows"] = [
    OWN | dict.fromkeys(("gap", "low", "high", "beyond")),
    OWN | {"label": "refitted, smoothing", "nll": 19.5, "gap": 0.5, "low": 0.25, "high": 0.75, "beyond": "its own"},
]


def record(nll, **fields):
    values = {"split": "test", "estimator": "IWAE", "num_mixing": 10, "num_importance": 10, "seed": 0}
    values |= {"convention": CONVENTION, "quantity": "NLL <=", "nll": nll, "standard_error": 0.25}
    values |= {"nll_per_step": nll / 8, "bits_per_dimension": nll / 64 / math.log(2), "num_sequences": 250}
    return values | fields


def make_workdir(path, options=None, spec=SPEC, records=(), metrics=METRICS, diagnostics=None, gaps=None):
    workdir = Workdir(path / "run")
    workdir.create(from_options("small", TINY | (options or {})), spec.to_json())
    if records:
        workdir.evaluation.write_text(json.dumps(records))
    workdir.metrics.write_text("".join(json.dumps(line) + "\n" for line in metrics))
    if diagnostics:
        workdir.diagnostics.write_text(json.dumps(diagnostics))
    if gaps:
        workdir.gaps.write_text(json.dumps(gaps))
    return workdir


class Page(html.parser.HTMLParser):
    """The tags of a page with their attributes, its text, and the rows of its tables."""

    EMPTY = ("meta", "img")

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.rows, self.words = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == [], "a tag is not closed"
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" in self.open:
            return
        self.words.append(data)
        if self.open and ("th" in self.open or "td" in self.open):
            self.rows[-1][-1] = " ".join(f"{self.rows[-1][-1]} {data}".split())


def read_page(workdir):
    return Page(report.render(report.collect(workdir)))


def test_seeds_make_one_row_of_means_with_their_spread():
    nlls = (21.0, 20.0, 22.5)
    records = [record(nll, seed=seed, standard_error=0.1 * (seed + 1)) for seed, nll in enumerate(nlls)]
    others = [record(30.0, num_mixing=5), record(31.0, num_importance=5), record(32.0, num_sequences=20)]
    rows = report.likelihood_rows([*others, *records], SPEC)
    assert [row["nll"] for row in rows] == pytest.approx([statistics.mean(nlls), 30.0, 31.0, 32.0])
    assert rows[0]["seeds"] == [0, 1, 2]
    assert rows[0]["spread"] == pytest.approx(statistics.stdev(nlls))
    assert rows[0]["standard_error"] == pytest.approx(0.2)
    assert rows[0]["nll_per_step"] == pytest.approx(statistics.mean(nlls) / 8)
    assert [row["spread"] for row in rows[1:]] == [None] * 3


def test_rows_stand_test_first_then_by_sequences_then_by_nll():
    records = [record(5.0, split="train"), record(4.0, split="validation"), record(1.0, num_sequences=20)]
    records += [record(9.0, num_mixing=1), record(8.0)]
    rows = report.likelihood_rows(records, SPEC)
    assert [row["nll"] for row in rows] == [8.0, 9.0, 1.0, 4.0, 5.0]
    assert [row["split_size"] for row in rows] == [250, 250, 250, 250, 1297]


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([record(21.0, estimator="L_K"), record(20.0), record(20.5, estimator="SMC")], 20.0),
        ([record(20.0), record(15.0, split="validation"), record(15.0, split="train")], 20.0),
        ([record(20.0), record(15.0, num_sequences=20)], 20.0),  # another set of sequences
        ([record(20.0), record(math.nan, estimator="SMC"), record(-math.inf, estimator="L_K")], 20.0),
        ([record(18.0, seed=0), record(24.0, seed=1), record(20.0, estimator="SMC")], 20.0),  # no lucky seed
        ([record(20.0, split="validation")], None),
        ([], None),
    ],
)
def test_the_tightest_is_the_lowest_on_the_whole_test_split(records, expected):
    chosen = report.tightest(report.likelihood_rows(records, SPEC))
    assert (chosen and chosen["nll"]) == expected


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "NLL ≤ 20.12 ± 0.25 nats per sequence"),
        ({"estimator": "exact", "quantity": "NLL ="}, "NLL = 20.12 ± 0.25 nats per sequence"),
        ({"estimator": "exact", "quantity": None}, "NLL = 20.12 ± 0.25 nats per sequence"),
        ({"estimator": "L_K", "quantity": None}, "NLL ≤ 20.12 ± 0.25 nats per sequence"),
        ({"standard_error": None}, "NLL ≤ 20.125 nats per sequence"),
    ],
)
def test_the_headline_says_bound_or_exact(tmp_path, fields, text):
    made = record(20.125, **fields)
    if made["quantity"] is None:  # as records once were
        del made["quantity"]
    page = read_page(make_workdir(tmp_path, records=[made]))
    assert text in page.text
    assert f"{made['estimator']}, K=10, M=10, seed 0; test split of {CONVENTION}; 250 sequences" in page.text
    sign = " ".join(text.split()[1:-3])
    others = ["2.516", "0.454" if made["standard_error"] is None else "0.4537"]  # as many digits as errors are worth
    row = ["test", made["estimator"], "10", "10", sign, *others, "250", "0"]
    assert row in page.rows


def test_intensities_have_a_cross_entropy_and_no_likelihood(tmp_path):
    spec = DataSpec("digits", CONVENTION, "intensities", 8, 8, (8, 8), (1297, 250, 250))
    workdir = make_workdir(tmp_path, spec=spec, records=[record(20.125, quantity="cross-entropy <=")])
    page = read_page(workdir)
    assert "cross-entropy ≤ 20.12 ± 0.25" in page.text
    assert "NLL" not in page.text
    assert "not a likelihood" in page.text


def test_fewer_sequences_and_seeds_show(tmp_path):
    records = [record(20.0, seed=1, num_sequences=20), record(21.0, seed=2, num_sequences=20)]
    page = read_page(make_workdir(tmp_path, records=records))
    assert "seeds 1, 2; test split" in page.text
    assert "20 of 250 sequences" in page.text
    row = ["test", "IWAE", "10", "10", "≤ 20.50 ± 0.25", "2.562", "0.4621", "20 of 250", "mean of 2 seeds: 1, 2"]
    assert [*row, "0.71"] in page.rows


def test_the_best_and_the_last_epoch_show(tmp_path):
    page = read_page(make_workdir(tmp_path))
    assert ["metric", "best: epoch 1", "last: epoch 2", "meaning"] in page.rows
    loss, kl, num_mixing = (
        next(row for row in page.rows if row[0] == name and len(row) == 6) for name in ("loss", "kl", "num_mixing")
    )
    assert loss[1:5] == ["30.000", "20.125", "25.000", "21.000"]
    assert kl[1:5] == ["3.000", "2.000", "4.000", "nan"]
    assert num_mixing[1:5] == ["1", DASH, "2", DASH]
    assert "Unfinished" not in page.text


@pytest.mark.parametrize(
    ("options", "metrics", "text"),
    [
        ({}, METRICS[:1], "Unfinished run: 1 of 2 epochs are logged, 40 of 80 steps."),
        ({}, [], "Unfinished run: no epoch is logged yet."),
        ({"max_steps": 60}, METRICS[:1], "Unfinished run: 1 of 2 epochs are logged, 40 of 60 steps."),
        ({"max_steps": 40}, METRICS[:1], None),
    ],
)
def test_an_unfinished_run_says_so(tmp_path, options, metrics, text):
    page = read_page(make_workdir(tmp_path, options, metrics=metrics))
    assert (text or "") in page.text
    assert ("Unfinished" in page.text) == (text is not None)


def test_what_is_absent_is_said(tmp_path):
    workdir = make_workdir(tmp_path, metrics=[])
    workdir.metrics.unlink()
    workdir.plots.rmdir()
    page = read_page(workdir)
    for text in ("the run is not evaluated", "No epoch is logged", "is not diagnosed", "no picture plots/samples.png"):
        assert text in page.text
    assert "no posterior" in read_page(make_workdir(tmp_path / "rnn", {"model": "rnn"})).text


def test_diagnostics_show(tmp_path):
    page = read_page(make_workdir(tmp_path, diagnostics=DIAGNOSTICS))
    assert f"{DIAGNOSTICS['verdict']} 1 of 2 latent units are active." in page.text
    assert "R=7 draws of the mixing on 9 sequences of the test split, seed 0" in page.text
    assert ["negentropy [nats]", "0.125"] in page.rows
    assert ["strongest |correlation| of two dimensions", "0.25"] in page.rows
    assert ["total correlation of the dimensions [nats]", "0.0323"] in page.rows
    assert [row for row in page.rows if len(row) == 3][-2:] == [["1", "1", "0.5"], ["2", DASH, "0.25"]]
    assert ["0", "yes", *[DASH] * 6, "0.0375"] in page.rows
    assert ["1", "no", *[DASH] * 7] in page.rows


def test_numbers_of_a_baseline_and_of_weights_stand_beside_the_headline(tmp_path):
    workdir = make_workdir(tmp_path, records=[record(20.125)])
    found = {"nll": 25.5, "standard_error": 0.21, "description": "as often as in training", "num_sequences": 250}
    workdir.baseline.write_text(json.dumps(found))
    text = read_page(workdir).text
    assert "Without memory, as often as in training: NLL = 25.50 ± 0.21" in text
    assert "the model gains 5.38 nats per sequence" in text
    weights = FAMILIES["sisrnn"].num_weights(workdir.read_config().model, SPEC, emissions.Bernoulli(8))
    assert f"The model trains {weights:,} weights." in text
    workdir.baseline.write_text(json.dumps(found | {"num_sequences": 20}))  # of other sequences
    assert "the model gains" not in read_page(workdir).text
    workdir.baseline.write_text("{}")
    with pytest.raises(ValueError, match=r"baseline.json is damaged"):
        read_page(workdir)


def test_all_that_lies_in_the_folder_shows(tmp_path):
    workdir = make_workdir(tmp_path)
    plotting.save(plotting.image_grid([[[0.0, 1.0]]]), workdir.plots / "samples.png")
    (workdir.path / "scores").mkdir()
    (workdir.path / "scores" / "part.csv").write_text("sequence,nll\n" + "".join(f"s{n},{n}.5\n" for n in range(20)))
    (workdir.path / "comparison.json").write_text('{"runs": ["<b>"]}')
    np.savez(workdir.path / "imputed.npz", observations=np.zeros([2, 3, 1], np.float32))
    (workdir.path / "forecasts").mkdir()
    for name in ("forecasts", "others"):
        plotting.save(plotting.image_grid([[[0.0, 1.0]]], title=name), workdir.path / "forecasts" / f"{name}.png")
    text = report.render(report.collect(workdir))
    page = Page(text)
    assert ["sequence", "nll"] in page.rows and ["s7", "7.5"] in page.rows and ["s8", "8.5"] not in page.rows
    assert "The first 8 of 20 rows." in page.text
    assert ["observations", "float32", "[2, 3, 1]"] in page.rows
    assert "{&#34;runs&#34;: [&#34;&lt;b&gt;&#34;]}" in text
    assert sum(tag == "img" for tag, _ in page.tags) == 3
    headings = [name for name in ("scores/part.csv", "comparison.json", "imputed.npz", "forecasts/others.png")]
    assert all(f"<code>{name}</code>" in text for name in headings)
    assert "config.json" not in page.text and "forecasts/forecasts.png" not in page.text


@pytest.mark.parametrize(
    ("options", "shown", "hidden"),
    [
        ({}, {"layout", "binarization", "noise_sizes", "num_mixing"}, {"vocabulary_size", "emission", "lstm_size"}),
        ({"model": "rnn"}, {"hidden_size"}, {"latent_size", "num_mixing", "kl_weight", "objective"}),
        ({"kl_schedule": "constant"}, {"kl_weight"}, {"kl_num_cycles", "kl_rising_fraction", "num_importance"}),
        (
            {"dataset": "csv", "emission": "normal", "binarization": "none"},
            {"emission_scale_floor"},
            {"num_components"},
        ),
        ({"dataset": "glyphs", "binarization": "none"}, {"num_components", "max_correlation"}, {"emission", "layout"}),
    ],
)
def test_settings_are_those_of_the_data_and_the_model_alone(options, shown, hidden):
    sections = settings.used(from_options("small", options), SPEC)
    names = {name for section in ("data", "model", "training") for name in sections[section]}
    assert shown <= names and not hidden & names
    assert "features" not in sections["data.json"] and sections["data.json"]["name"] == "digits"


@pytest.mark.parametrize(
    ("error", "scale", "expected"),
    [
        (0.25, 1, 2),
        (3.2, 1, 1),
        (32.0, 1, 0),
        (0.0031, 1, 4),
        (0.25, 0.125, 3),
        (None, 1, 3),
        (0.0, 1, 3),
        (1e-9, 1, 6),
    ],
)
def test_digits_are_two_of_the_standard_error(error, scale, expected):
    assert typeset.digits(error, scale) == expected


def test_signs_and_numbers_are_typeset():
    assert typeset.signs("NLL <= 1 +- 2, a >= b") == "NLL ≤ 1 ± 2, a ≥ b"
    assert (typeset.fixed(-1.25, 1), typeset.fixed(None, 3)) == ("\u22121.2", DASH)
    assert (typeset.significant(0.00123456), typeset.significant(None)) == ("0.00123", DASH)
    assert (typeset.size(999), typeset.size(15_564), typeset.size(2_000_000)) == ("999 bytes", "15.6 kB", "2 MB")


def test_gaussian_marginals_are_a_sentence(tmp_path):
    gaussian = {"marginals_gaussian": True, "largest_negentropy": 1.25e-4}
    page = read_page(make_workdir(tmp_path, diagnostics=DIAGNOSTICS | gaussian))
    assert "All marginals are Gaussian: their negentropy is 0.0001 nats at the most." in page.text
    assert "marginals.png" not in page.text


def test_an_unused_latent_is_said_without_diagnostics_too(tmp_path):
    workdir = make_workdir(tmp_path)
    workdir.latent.write_text(json.dumps({"latent_size": 8, "active_units": 0, "kl_per_step": 0.001}))
    assert "0 of 8 latent units are active" in read_page(workdir).text
    assert "the latent is unused: its posterior is its prior" in read_page(workdir).text


def test_a_posterior_that_factorizes_and_one_diagnosed_before_show(tmp_path):
    page = read_page(make_workdir(tmp_path, diagnostics=DIAGNOSTICS | {"factorizes": True}))
    assert ["total correlation of the dimensions [nats]", "0 by construction"] in page.rows
    new = ("factorizes", "strongest_correlation", "total_correlation")
    before = {name: value for name, value in DIAGNOSTICS.items() if name not in new}
    page = read_page(make_workdir(tmp_path / "before", diagnostics=before))
    assert "total correlation" not in page.text


def test_gaps_show_where_they_were_measured(tmp_path):
    page = read_page(make_workdir(tmp_path, gaps=GAPS))
    assert GAPS["verdict"] in page.text
    assert ["its own", "20.000 ± 0.500", DASH, DASH, "", "1,000"] in page.rows
    assert ["refitted, smoothing", "19.500 ± 0.500", "0.500", "0.250 to 0.750", "its own", "1,000"] in page.rows
    assert "K=10" in page.text and "M=50, seed 3" in page.text
    assert "Where the nats are" not in read_page(make_workdir(tmp_path / "none")).text


def test_the_page_needs_nothing_but_itself(tmp_path):
    workdir = make_workdir(tmp_path, records=[record(20.0)], diagnostics=DIAGNOSTICS)
    for name in ("training", "samples", "reconstructions", "marginals", "information"):
        plotting.save(plotting.image_grid([[[0.0, 1.0]]], title=name), workdir.plots / f"{name}.png")
    text = report.render(report.collect(workdir))
    page = Page(text)
    assert not {"script", "link", "iframe", "object", "embed", "base"} & {tag for tag, _ in page.tags}
    sources = [value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "href")]
    links = [source[1:] for source in sources if source.startswith("#")]
    sources = [source for source in sources if not source.startswith("#")]
    assert [source[:22] for source in sources] == ["data:image/png;base64,"] * 5
    files = [path.read_bytes() for path in workdir.plots.iterdir()]
    assert sorted(base64.b64decode(source[22:]) for source in sources) == sorted(files)
    assert all(len(attributes["alt"]) > 20 for tag, attributes in page.tags if tag == "img")
    assert not re.search(r"url\(|@import|https?://", text)
    policy = next(attributes for _, attributes in page.tags if "http-equiv" in attributes)
    assert policy["content"] == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert ("html", {"lang": "en"}) in page.tags
    identifiers = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    labels = {attributes["aria-labelledby"] for _, attributes in page.tags if "aria-labelledby" in attributes}
    assert len(set(identifiers)) == len(identifiers)
    assert labels <= set(identifiers)
    headings = [attributes["id"] for tag, attributes in page.tags if tag == "h2"]
    assert links == headings  # the contents


def test_all_text_is_escaped(tmp_path):
    attack = """</code><script>alert("1")</script>"""
    spec = DataSpec(attack, CONVENTION + attack, "bernoulli", 8, 8, (8, 8), (1297, 250, 250))
    options = {"data_dir": attack, "activation": attack}
    records = [record(20.0, convention=CONVENTION + attack, estimator=attack)]
    diagnostics = DIAGNOSTICS | {"verdict": attack, "split": attack, "convention": attack}
    metrics = [line | {attack: 1.0} for line in METRICS]
    gaps = GAPS | {"verdict": attack, "rows": [GAPS["rows"][1] | {"label": attack, "beyond": attack}]}
    workdir = make_workdir(tmp_path / attack.replace("/", "|"), options, spec, records, metrics, diagnostics, gaps)
    text = report.render(report.collect(workdir))
    assert "<script" not in text
    assert text.count("&lt;script&gt;") >= 15
    Page(text)


def test_the_page_is_written_whole_and_the_run_left_alone(tmp_path):
    workdir = make_workdir(tmp_path, records=[record(20.0)])
    before = {path: path.read_bytes() for path in workdir.path.rglob("*") if path.is_file()}
    report.write(workdir, tmp_path / "new" / "page.html")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["page.html"]
    assert {path: path.read_bytes() for path in workdir.path.rglob("*") if path.is_file()} == before
    Page((tmp_path / "new" / "page.html").read_text())
