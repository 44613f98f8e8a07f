"""Backtest on a data set that ships with statsmodels: SIS-RNN and VRNN beside seasonal-naive and AutoETS.

    pip install -e '.[forecasting]'
    python examples/backtest_series.py --split=validation --epochs=15  # to choose settings
    python examples/backtest_series.py --output=results/elnino-backtest.json

The data are monthly temperatures of the sea off Peru, 1950 to 2010 (`statsmodels.datasets.elnino`). All methods know
the months before a split starts (validation 1991, test 2001), are fitted once on these, and then forecast 12 months
from every third month on, given what came before. A network is trained on windows of 48 months and forecasts from the
last 36; it is not told the month. statsforecast's AutoETS keeps its parameters and takes up each new month.
"""

import argparse
import json
import pathlib
import time

import keras
import numpy as np
import statsmodels.api as sm

import sisrnn_tf
from sisrnn_tf.analysis import backtests

FIRST_YEAR, STARTS, YEARS = 1950, {"validation": 1991, "test": 2001}, 10
SEASON, CONTEXT, HORIZON, STRIDE, NUM_SAMPLES = 12, 36, 12, 3, 200
MODELS = {"SIS-RNN": sisrnn_tf.SISRNN, "VRNN": sisrnn_tf.VRNN}


def read() -> np.ndarray:
    """Returns the months' temperatures, `[T, 1]`, degrees Celsius."""
    years = sm.datasets.elnino.load_pandas().data
    return years.drop(columns="YEAR").to_numpy(np.float64).reshape([-1, 1])


def train(name: str, months: np.ndarray, epochs: int, seed: int) -> keras.Model:
    """Returns a model that has seen all windows of normalized months `[T, 1]`."""
    windows = np.lib.stride_tricks.sliding_window_view(months[:, 0], CONTEXT + HORIZON)[..., np.newaxis]
    keras.utils.set_random_seed(seed)
    sizes = {"latent_size": 4, "hidden_size": 32, "prior_sizes": (32,), "decoder_sizes": (32,), "seed": seed}
    posterior = sisrnn_tf.posteriors.Gaussian(4, (32, 32))
    if name == "SIS-RNN":
        posterior = sisrnn_tf.posteriors.SemiImplicit(4, (32, 32), (8, 8))
        sizes["num_mixing"] = 5
    model = MODELS[name](sisrnn_tf.emissions.Normal(1, scale_floor=0.05), posterior=posterior, **sizes)
    model.compile(optimizer=keras.optimizers.Adam(3e-3, global_clipnorm=5.0))
    model.fit(windows.astype(np.float32), batch_size=32, epochs=epochs, verbose=0)
    return model


def forecast(name: str, found: backtests.Windows, known: np.ndarray, epochs: int, seed: int) -> np.ndarray:
    """Returns a model's draws `[S, W, F, 1]`, in degrees, after training on the known months `[T, 1]`."""
    shift, scale = known.mean(), known.std()
    model = train(name, (known - shift) / scale, epochs, seed)
    contexts = np.stack([(context[-CONTEXT:] - shift) / scale for context in found.contexts])
    return model.forecast(contexts, HORIZON, NUM_SAMPLES, seed=seed).numpy() * scale + shift


def forecast_by_peer(found: backtests.Windows, months: np.ndarray, seed: int) -> np.ndarray:
    """Returns draws `[S, W, F, 1]` of the normal distributions that AutoETS predicts.

    Args:
        found: the windows.
        months: up to the end of the last one, `[T, 1]`.
        seed: of the draws.
    """
    try:
        import pandas as pd
        from statsforecast import StatsForecast
        from statsforecast.models import AutoETS
    except ImportError as error:
        raise SystemExit(
            f"The peer needs statsforecast: pip install -e '.[forecasting]', or --no_peer ({error})"
        ) from error
    frame = pd.DataFrame({"unique_id": "sea", "ds": np.arange(len(months)), "y": months[:, 0]})
    peer = StatsForecast(models=[AutoETS(season_length=SEASON)], freq=1)
    sizes = {"h": HORIZON, "step_size": STRIDE, "n_windows": len(found.contexts)}
    rows = peer.cross_validation(df=frame, refit=False, level=[80], **sizes)
    assert sorted(rows["cutoff"].unique() + 1) == [len(context) for context in found.contexts]
    mean, low, high = (
        rows[f"AutoETS{ending}"].to_numpy().reshape([len(found.contexts), HORIZON])
        for ending in ("", "-lo-80", "-hi-80")
    )
    scale = (high - low) / (2 * 1.2815515655)
    normals = np.random.default_rng(seed).normal(size=[NUM_SAMPLES, *mean.shape])
    return (mean + scale * normals)[..., np.newaxis]


def main() -> None:
    """Runs the backtest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=STARTS, default="test")
    parser.add_argument("--seeds", type=int, default=3, help="how many trainings of each model")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--no_peer", action="store_true", help="leave AutoETS out")
    parser.add_argument("--output", type=pathlib.Path, help="a JSON file of all records")
    arguments = parser.parse_args()
    start = SEASON * (STARTS[arguments.split] - FIRST_YEAR)
    months = read()[: start + SEASON * YEARS]
    count = (SEASON * YEARS - HORIZON) // STRIDE + 1
    found = backtests.windows([months], start, HORIZON, count, STRIDE)
    records = []

    def add(method: str, seed: int | None, samples: np.ndarray, began: float) -> None:
        model, _, seasonal = backtests.measure(found, samples, SEASON, ["temperature"])
        records.append(model | {"method": method, "seed": seed, "seconds": time.perf_counter() - began})
        if len(records) == 1:
            records.append(seasonal | {"seed": None, "seconds": 0.0})
        print(backtests.table([records[-1] if len(records) != 2 else records[0]]).splitlines()[-1], flush=True)

    for name in MODELS:
        for seed in range(arguments.seeds):
            began = time.perf_counter()
            add(name, seed, forecast(name, found, months[:start], arguments.epochs, seed), began)
    if not arguments.no_peer:
        began = time.perf_counter()
        add("AutoETS", None, forecast_by_peer(found, months, 0), began)
    print(f"\n{arguments.split}, {count} forecasts of {HORIZON} months, {arguments.epochs} epochs")
    print(backtests.table(records))
    if arguments.output:
        settings = {"split": arguments.split, "epochs": arguments.epochs, "num_windows": count}
        arguments.output.write_text(json.dumps(settings | {"records": records}, indent=2) + "\n")


if __name__ == "__main__":
    main()
