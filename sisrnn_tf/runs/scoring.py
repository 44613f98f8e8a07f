"""Log-likelihoods of any number of sequences: shard after shard, in several processes, resumable.

What a sequence gets depends on the seed, its shard's name and its number in it, and not on batches, processes or what
else is scored. A shard is done when its values and then the record of them are written, each at once: a kill loses no
more than the shards in work, which are made again as a whole.
"""

import concurrent.futures
import functools
import hashlib
import io
import json
import multiprocessing
import os
import pathlib
import threading
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import tensorflow as tf

from sisrnn_tf._version import __version__
from sisrnn_tf.analysis import plotting
from sisrnn_tf.core import atomic, random
from sisrnn_tf.core.validation import parse_json, require
from sisrnn_tf.data import frames, shards
from sisrnn_tf.data.coverage import Coverage
from sisrnn_tf.runs import predictor

_FIELDS = ("sequence", "log_likelihood", "num_steps")


class Job(NamedTuple):
    """What is to be made of each shard.

    Attributes:
        workdir: of the run.
        output: folder of the values.
        num_mixing: K; None for that of the run's validation.
        num_importance: M; None for that of `Predictor.score`.
        seed: of the noise.
        batch_size: sequences at a time.
        format: of the values, one of `choices.SCORE_FORMATS`.
        threshold: look at steps, and mark those whose quantile among validation steps is beyond it; None to score
            sequences.
    """

    workdir: str
    output: pathlib.Path
    num_mixing: int | None = None
    num_importance: int | None = None
    seed: int = 0
    batch_size: int = 256
    format: str = "csv"
    threshold: float | None = None


class Result(NamedTuple):
    """What became of a shard.

    Attributes:
        name: of the shard.
        num_sequences: how many it has.
        was_done: whether an earlier call has made it.
        error: why it could not be scored; None where it was.
        coverage: of text that was scored, how much of it the vocabulary knows; else None.
        num_beyond: steps beyond the threshold; None where there is none.
    """

    name: str
    num_sequences: int = 0
    was_done: bool = False
    error: str | None = None
    coverage: Coverage | None = None
    num_beyond: int | None = None


class Scorer:
    """A model that scores shards.

    Args:
        job: what to make.

    Raises:
        ValueError: the workdir holds no trained model.
    """

    def __init__(self, job: Job):
        self.job, self.predictor = job, predictor.load(job.workdir)
        config, spec = self.predictor.config, self.predictor.spec
        num_mixing = config.training.eval_num_mixing if job.num_mixing is None else job.num_mixing
        weights = b"".join(np.ascontiguousarray(weight).tobytes() for weight in self.predictor.model.get_weights())
        texts = (config.to_json(), spec.to_json())
        self.model = [*(_hash(text.encode()) for text in texts), _hash(weights), __version__]
        usual = 1 if job.threshold is None else predictor.STEP_IMPORTANCE
        self.numbers = usual if job.num_importance is None else job.num_importance, num_mixing

    def score(self, name: str, path: pathlib.Path) -> Result:
        """Scores a shard, unless that is done, and writes its values."""
        stat = path.stat()
        identity: dict[str, Any] = {
            "input": {"name": path.name, "size": stat.st_size, "changed": stat.st_mtime_ns},
            "model": self.model,
            "num_importance, num_mixing, seed": [*self.numbers, self.job.seed],
        }
        if self.job.threshold is not None:
            identity["threshold of steps"] = self.job.threshold
        output = self.job.output / f"{name}.{self.job.format}"
        record = self.job.output / "done" / f"{output.name}.json"
        done = _read_record(record)
        if done.get("identity") == identity and output.exists() and done.get("output") == _hash(output.read_bytes()):
            found = (done["num_sequences"], True, None, done["coverage"], done.get("num_beyond"))
            return Result(name, *found)
        shard = shards.read(path, self.predictor.spec, self.predictor.vocabulary)
        try:
            values, num_beyond = self._values(name, shard), None
            if self.job.threshold is not None:
                num_beyond = int(values["beyond"].sum())
                self._draw(name, shard, values)
        except ValueError as error:
            raise ValueError(f"{path}, {error}") from error
        content = _to_bytes(values, self.job.format)
        atomic.write(output, lambda file: file.write(content))
        coverage = shard.coverage and shard.coverage._asdict()
        done = {
            "identity": identity,
            "output": _hash(content),
            "num_sequences": len(shard.keys),
            "coverage": coverage,
            "num_beyond": num_beyond,
        }
        atomic.write_text(record, json.dumps(done, indent=2) + "\n")
        return Result(name, len(shard.keys), coverage=shard.coverage, num_beyond=num_beyond)

    def _values(self, name: str, shard: shards.Shard) -> dict[str, np.ndarray]:
        """Returns the values of a shard's sequences, each `[N]`, or with a threshold of their steps, each `[sum T]`."""
        numbers = (*self.numbers, shard_seed(self.job.seed, name), self.job.batch_size)
        names = frames.feature_names(self.predictor.spec)
        time = self.predictor.spec.layout.time if shard.times and self.predictor.spec.layout else None
        table = frames.Collection(shard.keys, shard.sequences, names, covariates=shard.covariates)
        table = table._replace(time=time, times=shard.times)
        if self.job.threshold is None:
            values = self.predictor.score(table if shard.covariates is not None else list(shard.sequences), *numbers)
            lengths = np.array([len(sequence) for sequence in shard.sequences], np.int64)
            return dict(zip(_FIELDS, (np.array(shard.keys), values, lengths), strict=True))
        frame = self.predictor.score(table, *numbers, per_step=True)
        beyond = (frame[frames.QUANTILE] > self.job.threshold).astype(int)
        frame.insert(frame.columns.get_loc(frames.QUANTILE) + 1, "beyond", beyond)
        values = {column: frame[column].to_numpy() for column in frame}
        texts = [frames.SEQUENCE] if time is None else [frames.SEQUENCE, time]
        return values | {name: frame[name].to_numpy(str) for name in texts}

    def _draw(self, name: str, shard: shards.Shard, values: Mapping[str, np.ndarray]) -> None:
        """Writes a picture of the sequences whose steps are the most surprising."""
        ends = np.cumsum([len(sequence) for sequence in shard.sequences])[:-1]
        surprises, beyond = (np.split(values[column], ends) for column in ("nll", "beyond"))
        names = frames.feature_names(self.predictor.spec)
        figure = plotting.surprises(shard.sequences, surprises, beyond, shard.keys, names)
        plotting.save(figure, self.job.output / f"{name}.png")


def shard_seed(seed: int, name: str) -> tf.Tensor:
    """Returns the seed of a shard's noise, int32 `[2]`: so its values depend on no other shard.

    Args:
        seed: of all shards.
        name: of the shard, of its file without the ending.
    """
    return random.fold_in(random.as_seed(seed), zlib.crc32(name.encode()) - 2**31)


def run(job: Job, paths: Mapping[str, pathlib.Path], num_workers: int = 1) -> Iterator[Result]:
    """Scores shards in so many processes, and yields a result for each, as they end.

    Args:
        job: what to make.
        paths: name -> shard, of `shards.find`.
        num_workers: 1 for this process alone.

    Raises:
        ValueError: the output's folder is that of a shard.
        OSError: a process was killed.
    """
    folders = {path.resolve().parent for path in paths.values()}
    apart = job.output.resolve() not in folders
    require(apart, "output", "another folder than that of the input, whose files it could replace", str(job.output))
    (job.output / "done").mkdir(parents=True, exist_ok=True)
    for folder in (job.output, job.output / "done"):
        atomic.clear_litter(folder)
    if num_workers == 1:
        for name, path in paths.items():
            yield _score(job, name, path)
        return
    threads = max(1, (os.cpu_count() or 1) // num_workers)
    context = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
    with concurrent.futures.ProcessPoolExecutor(num_workers, context, _start_worker, (threads,)) as pool:
        futures = [pool.submit(_score, job, name, path) for name, path in paths.items()]
        try:
            for future in concurrent.futures.as_completed(futures):
                yield future.result()
        except concurrent.futures.BrokenExecutor as error:
            raise OSError("A worker was killed, perhaps for want of memory. The same command goes on.") from error


def _score(job: Job, name: str, path: pathlib.Path) -> Result:
    try:
        return _scorer(job).score(name, path)
    except (ValueError, OSError) as error:
        return Result(name, error=str(error))


_scorer = functools.lru_cache(maxsize=1)(Scorer)  # one in each process


def _start_worker(num_threads: int) -> None:
    tf.config.threading.set_intra_op_parallelism_threads(num_threads)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Else a kill of the parent would leave its workers waiting for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _read_record(path: pathlib.Path) -> dict:
    """Returns the record of a shard that is done; nothing where there is none, or a damaged one."""
    try:
        record = parse_json(path.read_bytes())
        coverage = record["coverage"] and Coverage(**record["coverage"])
        return record | {"num_sequences": int(record["num_sequences"]), "coverage": coverage}
    except (OSError, ValueError, KeyError, TypeError):  # no file, no JSON, or JSON of another shape
        return {}


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _to_bytes(values: Mapping[str, Any], kind: str) -> bytes:
    """Returns values `[N]` as a file of a kind of `choices.SCORE_FORMATS`."""
    if kind == "npz":
        content = io.BytesIO()
        np.savez_compressed(content, **values)
        return content.getvalue()
    return frames.to_csv(pd.DataFrame(values))
