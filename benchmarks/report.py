"""The numbers of `benchmarks.train_step` as Markdown.

python -m benchmarks.report results.json docs/benchmarks.md
"""

import json
import pathlib
import sys

from benchmarks import comparison

_ABOUT = {
    "library": "this library: `model.fit`'s own step, `model.train_function(iterator)`",
    "torch_loop": "PyTorch, eager, everything in the time loop, as public code is written",
    "jax_loop": "JAX, `lax.scan` under jit with everything in its body, noise by `random.bernoulli`",
    "jax_fused": "JAX, hoisted: the scan holds only the recurrence; the mixture in chunks whose gradient is formed in "
    "the forward pass; noise unpacked from random bits",
    "tf_loop": "plain TensorFlow, everything in a `tf.while_loop` under `tf.function`",
}
_INTRODUCTION = """# Benchmarks

Time and memory of one training step of the same bound, from the same weights, in several frameworks: one thread of
one core, each contender in its own process, one step each in turns. Before that each contender's bound and gradients,
for given noise, are held against float64. Written by `python -m benchmarks.train_step`; do not edit.

"""
_COLUMNS = """- CPU ms: median over {rounds} steps of the process' own CPU time, noise and Adam included.
- Ratio: to this library; above 1 is slower.
- Memory: rise of the resident peak from before the first step, tracing and compiling included, in MB of 10^6 bytes.
- Of the floor: the share of that time that its matrix products would take at the fastest matrix product that any
  contender made in this run.
"""


def table(name: str, result: dict) -> str:
    """Returns the table of one configuration.

    Args:
        name: of the configuration.
        result: of `comparison.compare`.
    """
    c = result["configuration"]
    sizes = f"T={c['num_steps']}, D={c['event_size']}, K={c['num_mixing']}, B={c['batch_size']}"
    lines = [
        f"## {name}: {sizes}",
        "",
        f"{result['flops'] / 1e9:.2f} GFLOP a step; {result['peak_flops'] / 1e9:.1f} GFLOP/s at most.",
        "",
        "| contender | CPU ms | ratio | memory MB | of the floor |",
        "|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row['contender']} | {row['cpu_ms']:.1f} | {row['ratio']:.2f} | {row['peak_mb']:.0f} | {row['floor']:.0%} |"
        for row in comparison.summary(result)
    ]
    return "\n".join(lines) + "\n"


def page(result: dict) -> str:
    """Returns the page of a run, from what `benchmarks.train_step --output` wrote."""
    machine = result["machine"]
    state = "" if machine["clean"] else ", with changes"
    results = result["results"]
    contenders = {name: value for answer in results.values() for name, value in answer["contenders"].items()}
    rounds = len(next(iter(contenders.values()))["cpu_ms"])
    about = "".join(f"- {name}: {_ABOUT[name]} ({value['version']}).\n" for name, value in contenders.items())
    return (
        f"{_INTRODUCTION}    python -m benchmarks.train_step {result['command']}\n\n"
        f"{machine['date']}, {machine['cpu']}, {machine['cores']} cores, Python {machine['python']}, "
        f"commit {machine['commit'][:12]}{state}.\n\n"
        + "\n".join(table(name, answer) for name, answer in results.items())
        + f"\n## Columns\n\n{_COLUMNS.format(rounds=rounds)}\n## Contenders\n\n{about}"
    )


def write_page(result: dict, path: str) -> None:
    """Writes the page of a run, making its folder."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(page(result))
    temporary.replace(path)


if __name__ == "__main__":
    source, target = sys.argv[1:]
    write_page(json.loads(pathlib.Path(source).read_text()), target)
