"""Asks a model that TensorFlow Serving serves: by gRPC where tensorflow-serving-api is installed, else by REST.

python examples/serving_client.py --model=sisrnn --grpc=localhost:8500 --rest=localhost:8501

Shows what a client does with each signature; `connect` and the two clients can be used as they are. Of this project it
needs nothing. What the model cannot score, such as NaN or 0.5 where observations are 0 or 1, is never answered by a
number: the server refuses it, and `predict` raises a ServingError, INVALID_ARGUMENT, that names the input and what it
must be.
"""

import argparse
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping

import numpy as np

_STATUS = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 412: "FAILED_PRECONDITION", 504: "DEADLINE_EXCEEDED"}
_TYPES = {"DT_FLOAT": np.float32, "DT_DOUBLE": np.float64, "DT_INT32": np.int32, "DT_STRING": np.bytes_}


class ServingError(Exception):
    """A request that was not answered.

    Args:
        status: the name of a gRPC status, such as INVALID_ARGUMENT.
        message: what the server, or the way to it, says.
    """

    def __init__(self, status: str, message: str):
        super().__init__(f"{status}: {message}")
        self.status = status


class GrpcClient:
    """Asks by gRPC.

    Args:
        address: HOST:PORT.
        model: name of the model.
        timeout: seconds that an answer may take.

    Raises:
        ImportError: tensorflow-serving-api is not installed.
    """

    def __init__(self, address: str, model: str, timeout: float = 10.0):
        import grpc
        import tensorflow as tf
        from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2, prediction_service_pb2_grpc

        self.model, self.timeout = model, timeout
        self._grpc, self._tf = grpc, tf
        self._predict_pb2, self._metadata_pb2 = predict_pb2, get_model_metadata_pb2
        unlimited = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
        self._channel = grpc.insecure_channel(address, unlimited)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

    def is_reachable(self) -> bool:
        """Returns whether a server answers within the time-out."""
        try:
            self._grpc.channel_ready_future(self._channel).result(self.timeout)
        except self._grpc.FutureTimeoutError:
            return False
        return True

    def predict(self, signature: str, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the outputs of a signature by their names.

        Args:
            signature: such as `score`.
            **inputs: arrays of the types in the model's card: NumPy's float32, int32, bool, or bytes.

        Raises:
            ServingError: the server refuses, as of values that cannot be observed, or there is none, or it takes too
                long.
        """
        request = self._predict_pb2.PredictRequest()
        request.model_spec.name, request.model_spec.signature_name = self.model, signature
        for name, value in inputs.items():
            request.inputs[name].CopyFrom(self._tf.make_tensor_proto(value))
        response = self._ask(self._stub.Predict, request)
        return {name: self._tf.make_ndarray(value) for name, value in response.outputs.items()}

    def input_shapes(self, signature: str) -> dict[str, list[int]]:
        """Returns the shapes of a signature's inputs by their names, -1 where a size is free."""
        request = self._metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        request.model_spec.name = self.model
        signatures = self._metadata_pb2.SignatureDefMap()
        self._ask(self._stub.GetModelMetadata, request).metadata["signature_def"].Unpack(signatures)
        inputs = signatures.signature_def[signature].inputs
        return {name: [dim.size for dim in info.tensor_shape.dim] for name, info in inputs.items()}

    def _ask(self, method, request):
        try:
            return method(request, timeout=self.timeout)
        except self._grpc.RpcError as error:
            raise ServingError(error.code().name, error.details()) from error


class RestClient:
    """Asks by REST, with nothing but the standard library and NumPy; arguments as of `GrpcClient`."""

    def __init__(self, address: str, model: str, timeout: float = 10.0):
        self.timeout, self._url = timeout, f"http://{address}/v1/models/{model}"
        self._signatures = None

    def predict(self, signature: str, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the outputs of a signature by their names; see `GrpcClient.predict`."""
        body = {"signature_name": signature, "inputs": {name: _to_json(value) for name, value in inputs.items()}}
        outputs = self._ask(":predict", body)["outputs"]
        kinds = {name: info["dtype"] for name, info in self._signature(signature)["outputs"].items()}
        if len(kinds) == 1:  # the server leaves its name out
            outputs = dict.fromkeys(kinds, outputs)
        return {name: _from_json(value, _TYPES[kinds[name]]) for name, value in outputs.items()}

    def input_shapes(self, signature: str) -> dict[str, list[int]]:
        """Returns the shapes of a signature's inputs by their names, -1 where a size is free."""
        inputs = self._signature(signature)["inputs"]
        return {
            name: [int(dim["size"]) for dim in info["tensor_shape"].get("dim", [])] for name, info in inputs.items()
        }

    def _signature(self, signature: str) -> dict:
        if self._signatures is None:
            self._signatures = self._ask("/metadata")["metadata"]["signature_def"]["signature_def"]
        return self._signatures[signature]

    def _ask(self, path: str, body: Mapping | None = None) -> dict:
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(self._url + path, data, self.timeout) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            message = error.read().decode(errors="replace")
            raise ServingError(_STATUS.get(error.code, f"HTTP {error.code}"), message) from error
        except (OSError, ValueError) as error:  # the latter: what answers speaks no JSON
            if isinstance(getattr(error, "reason", error), TimeoutError):
                raise ServingError("DEADLINE_EXCEEDED", f"no answer from {self._url} in {self.timeout} s") from error
            raise ServingError("UNAVAILABLE", f"no model server at {self._url}: {error}") from error


def _to_json(value):
    """Returns nested lists, of strings where there are bytes."""
    value = np.asarray(value)
    return np.char.decode(value.astype(np.bytes_), "utf-8").tolist() if value.dtype.kind in "SO" else value.tolist()


def _from_json(value, kind: type) -> np.ndarray:
    if kind is np.bytes_:
        return np.array([text.encode() for text in value], object)
    return np.array(value, kind)


def connect(model: str, grpc_address: str, rest_address: str, timeout: float = 10.0) -> GrpcClient | RestClient:
    """Returns a client: of gRPC where its package is installed and a server answers, else of REST.

    Args:
        model: name of the model.
        grpc_address, rest_address: HOST:PORT of each.
        timeout: seconds that an answer may take.
    """
    try:
        client = GrpcClient(grpc_address, model, timeout)
    except ImportError:
        return RestClient(rest_address, model, timeout)
    return client if client.is_reachable() else RestClient(rest_address, model, timeout)


def step_seed(seed: np.ndarray, time: int) -> np.ndarray:
    """Returns the seed of a step of a stream, int32 `[2]`, with which the steps add up to `score` with a seed.

    It is element `time` of SplitMix64 (Steele, Lea & Flood 2014), the halves of 64 bits, the lower one first.
    """
    low, high = (int(half) % 2**32 for half in seed)
    value = (low + (high << 32) + (time + 1) * 0x9E3779B97F4A7C15) % 2**64
    for shift, multiplier in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        value = (value ^ (value >> shift)) * multiplier % 2**64
    return np.array([value ^ (value >> 31)], np.uint64).view(np.int32)


def show(client: GrpcClient | RestClient) -> None:
    """Generates, then scores, encodes and reconstructs what was generated, and, unless it is text, streams it."""
    seed = np.array([0, 0], np.int32)
    (name, made), *_ = client.predict("generate", batch=np.int32(3), steps=np.int32(8), seed=seed).items()
    print("generate", made.tolist() if name == "sentences" else made.shape)
    inputs = {name: made, "seed": seed}
    if name == "observations":
        inputs["mask"] = np.ones(made.shape[:2], bool)
    for signature in ("score", "encode", "reconstruct"):
        for output, value in client.predict(signature, **inputs).items():
            print(signature, output, value.tolist() if value.ndim == 1 else value.shape)
    if name == "sentences":
        return
    shapes, total = client.input_shapes("step"), 0.0
    state = {part: np.zeros([len(made), *shapes[part][1:]], made.dtype) for part in ("hidden", "particle_log_weights")}
    for time in range(made.shape[1]):
        answer = client.predict("step", observation=made[:, time], seed=step_seed(seed, time), **state)
        state = {part: answer[part] for part in state}
        total = total + answer["log_weight"]
    print("step", total.tolist())


def main() -> None:
    """Runs the example."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="sisrnn", help="name of the model")
    parser.add_argument("--grpc", default="localhost:8500", help="HOST:PORT of gRPC")
    parser.add_argument("--rest", default="localhost:8501", help="HOST:PORT of REST")
    parser.add_argument("--timeout", type=float, default=10.0, help="seconds that an answer may take")
    arguments = parser.parse_args()
    try:
        show(connect(arguments.model, arguments.grpc, arguments.rest, arguments.timeout))
    except ServingError as error:
        sys.exit(f"ERROR: {error}")


if __name__ == "__main__":
    main()
