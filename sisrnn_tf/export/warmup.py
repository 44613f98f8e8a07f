"""Requests that a model server sends to itself before it answers others, so that the first answer is not slow."""

import logging
import pathlib
from collections.abc import Mapping

import tensorflow as tf

_LOGGER = logging.getLogger(__name__)
FILE = pathlib.Path("assets.extra", "tf_serving_warmup_requests")  # where TensorFlow Serving looks for it


def write(folder: pathlib.Path, model_name: str, examples: Mapping[str, Mapping]) -> None:
    """Writes a request for each signature, a `PredictionLog` each; says so where their package is missing.

    Args:
        folder: of the SavedModel.
        model_name: that the server knows it by.
        examples: signature -> name of the input -> value.
    """
    try:
        from tensorflow_serving.apis import prediction_log_pb2
    except ImportError:
        _LOGGER.warning(
            "Exported without warm-up requests: they need tensorflow-serving-api, pip install 'sisrnn-tf[serving]'."
        )
        return
    path = folder / FILE
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, inputs in examples.items():
            log = prediction_log_pb2.PredictionLog()
            request = log.predict_log.request
            request.model_spec.name, request.model_spec.signature_name = model_name, signature
            for name, value in inputs.items():
                request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
            writer.write(log.SerializeToString())
