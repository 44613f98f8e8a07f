"""Time and memory of this library against T, K, B, Z (a training step) and M (`log_likelihood`), on one thread.

python -m benchmarks.scaling --sizes=num_steps,num_importance --output_dir=/tmp/scaling
"""

import dataclasses
import pathlib

import numpy as np
from absl import app, flags
from matplotlib.figure import Figure

from benchmarks import machine, trials
from benchmarks.configuration import Configuration
from flags.arguments import flags_only
from sisrnn_tf.analysis.plotting import files

SIZES = {
    "num_steps": (28, 56, 112, 224, 448),
    "num_mixing": (16, 32, 64, 128),
    "batch_size": (128, 256, 512, 1024, 2048),
    "latent_size": (8, 16, 32, 64, 128),
    "num_importance": (16, 32, 64, 128, 256),
}
_QUANTITIES = {"cpu_ms": "CPU [ms]", "peak_mb": "memory [MB]"}

FLAGS = flags.FLAGS
flags.DEFINE_list("sizes", list(SIZES), f"Which to vary: {', '.join(SIZES)}.")
flags.DEFINE_string("output_dir", None, "Where to write scaling.json and a picture a size.", required=True)


def measure(size: str) -> list[dict]:
    """Returns a point, {size, "cpu_ms" (median), "peak_mb"}, for each value of a size."""
    points = []
    for value in SIZES[size]:
        if size == "num_importance":
            answer = trials.measure("iwae", Configuration(batch_size=16), num_importance=value)
        else:
            answer = trials.measure("train", dataclasses.replace(Configuration(), **{size: value}))
        points.append({size: value, "cpu_ms": float(np.median(answer["cpu_ms"])), "peak_mb": answer["peak_mb"]})
        print(points[-1], flush=True)
    return points


def slope(sizes: np.ndarray, values: np.ndarray) -> float:
    """Returns the exponent a of values ~ sizes^a, by least squares of the logarithms.

    Args:
        sizes: positive, `[n]`.
        values: positive, `[n]`.
    """
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def picture(size: str, points: list[dict], slopes: dict[str, float]) -> Figure:
    """Plots time and memory against a size, both axes logarithmic."""
    figure = Figure(figsize=(9.0, 3.6), layout="constrained")
    sizes = [point[size] for point in points]
    for axes, (quantity, label) in zip(figure.subplots(1, 2), _QUANTITIES.items(), strict=True):
        axes.loglog(sizes, [point[quantity] for point in points], marker="o", markersize=4, linewidth=1.4)
        axes.set_title(f"slope {slopes[quantity]:.2f}", fontsize=11)
        axes.set_xlabel(size)
        axes.set_ylabel(label)
        axes.grid(which="both", alpha=0.3)
    return figure


@flags_only
def main() -> None:
    """Varies one size after the other."""
    if not set(FLAGS.sizes) <= set(SIZES):
        raise app.UsageError(f"--sizes must be of {', '.join(SIZES)}. Received: --sizes={','.join(FLAGS.sizes)}")
    folder = pathlib.Path(FLAGS.output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    result = machine.result(results={})
    for size in FLAGS.sizes:
        points = measure(size)
        sizes = np.array([point[size] for point in points])
        slopes = {name: slope(sizes, np.array([point[name] for point in points])) for name in _QUANTITIES}
        result["results"][size] = {"points": points, "slopes": slopes}
        machine.write_json(result, folder / "scaling.json")
        files.save(picture(size, points, slopes), folder / f"{size}.png")


if __name__ == "__main__":
    app.run(main)
