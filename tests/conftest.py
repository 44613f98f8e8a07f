"""What all tests share: a quiet CPU, fixed seeds, tiny models."""

import os
import shutil

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest

import sisrnn_tf

D, Z, H = 3, 2, 4
SIZES = {"latent_size": Z, "hidden_size": H, "prior_sizes": (4,), "decoder_sizes": (5,)}
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NETWORK_KEYS = ("activation", "scale_floor", "dtype")


def tiny_posterior(kind: str, **kwargs):
    """A small posterior with noise weights as large as the rest, so that noise shows."""
    if kind == "gaussian":
        return sisrnn_tf.posteriors.Gaussian(Z, (5, 4), **kwargs)
    return sisrnn_tf.posteriors.SemiImplicit(Z, (5, 4), (3, 2), noise_weight_scale=2.0, **kwargs)


def build_model(kind: str = "SISRNN", **kwargs):
    """A tiny SISRNN, VRNN or RNN of 3 binary features, always with the same weights."""
    keras.utils.set_random_seed(1)
    emission = sisrnn_tf.emissions.Bernoulli(D)
    if kind == "RNN":
        return sisrnn_tf.RNN(emission, hidden_size=H, decoder_sizes=(5,), **kwargs)
    shared = {name: kwargs[name] for name in NETWORK_KEYS if name in kwargs}
    posterior = kwargs.pop("posterior", None)
    if posterior is None:
        posterior = tiny_posterior("gaussian" if kind == "VRNN" else "semi_implicit", **shared)
    return getattr(sisrnn_tf, kind)(emission, posterior=posterior, **{**SIZES, **kwargs})


@pytest.fixture(scope="session")
def make_model():
    """Returns `build_model`, for tests that change their model."""
    return build_model


@pytest.fixture(scope="session")
def make_posterior():
    """Returns `tiny_posterior`."""
    return tiny_posterior


@pytest.fixture(scope="session")
def sisrnn():
    """A tiny SISRNN; no test may change its weights."""
    return build_model("SISRNN")


@pytest.fixture(scope="session")
def vrnn():
    """A tiny VRNN; no test may change its weights."""
    return build_model("VRNN")


@pytest.fixture(scope="session")
def sisrnn64():
    """A tiny SISRNN in float64 with a smooth activation; no test may change its weights."""
    return build_model("SISRNN", dtype="float64", activation="tanh")


@pytest.fixture
def observations():
    """Binary observations `[4, 5, 3]`."""
    return (np.random.default_rng(0).random((4, 5, D)) < 0.5).astype("float32")


@pytest.fixture
def mask():
    """Right padding of four sequences of 5, 3, 1 and 4 steps."""
    return np.arange(5) < np.array([5, 3, 1, 4])[:, np.newaxis]


@pytest.fixture(scope="session")
def browser():
    """Chromium of this machine, or the one that Playwright has fetched."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install playwright")
    with playwright.sync_playwright() as library:
        path = next(filter(None, map(shutil.which, _BROWSERS)), None)
        try:
            opened = library.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except playwright.Error as error:
            pytest.skip(f"needs Chromium, by the system's packages or `playwright install chromium`: {error}")
        yield opened
        opened.close()


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(0)
