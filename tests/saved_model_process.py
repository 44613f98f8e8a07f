"""Run as a process: answers requests by SavedModels where Keras, TFP and this package cannot be imported.

The folder of NAME/NUMBER is the argument; requests come as a pickle, and answers go as one.
"""

import pathlib
import pickle
import sys

BLOCKED = ("keras", "tf_keras", "tensorflow_probability", "sisrnn_tf")
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "examples"))  # a client copies the file
sys.modules |= dict.fromkeys(BLOCKED)  # so that their import raises

import tensorflow as tf  # noqa: E402
from serving_client import step_seed  # noqa: E402


def answer(signatures, name, inputs):
    inputs = {key: tf.constant(value) for key, value in inputs.items()}
    return {key: value.numpy() for key, value in signatures[name](**inputs).items()}


def stream(signatures, inputs):
    observations, seed = inputs["observations"], inputs["seed"]
    specs = signatures["step"].structured_input_signature[1]
    state = {name: tf.zeros([len(observations), *specs[name].shape[1:]]) for name in ("hidden", "particle_log_weights")}
    weights = []
    for time in range(observations.shape[1]):
        step = {"observation": observations[:, time], "seed": step_seed(seed, time)}
        outputs = answer(signatures, "step", step | state)
        state = {name: outputs[name] for name in state}
        weights.append(outputs["log_weight"] * inputs["mask"][:, time])
    return {"log_likelihood": sum(weights), "mean": outputs["mean"], "parameters": outputs["emission_parameters"]}


folder, requests = pathlib.Path(sys.argv[1]), pickle.load(sys.stdin.buffer)
paths = {path.parent.name: path for path in folder.glob("*/*")}
loaded = {name: tf.saved_model.load(str(path)).signatures for name, path in paths.items()}
answers = {}
for key, inputs in requests.items():
    signatures = loaded[key[0]]
    answers[key] = stream(signatures, inputs) if key[1] == "stream" else answer(signatures, key[1], inputs)
for name in BLOCKED:
    try:
        __import__(name)
    except ImportError:
        continue
    sys.exit(f"{name} can be imported")
pickle.dump(answers, sys.stdout.buffer)
