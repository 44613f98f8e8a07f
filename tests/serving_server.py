"""A small model server that speaks TensorFlow Serving's protocols: run as a process, it loads every NAME/NUMBER below
a folder without Keras, TFP and this package, prints its ports, and serves until it is killed.

It checks requests as TensorFlow Serving does (servables/tensorflow/predict_util.cc) and runs the graph by a session,
as that does too, so that what the graph itself refuses has the status that it would have there.
"""

import concurrent.futures
import http.server
import json
import pathlib
import re
import sys
import threading

sys.modules |= dict.fromkeys(("keras", "tf_keras", "tensorflow_probability", "sisrnn_tf"))  # import of None raises

import grpc  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from google.protobuf import json_format  # noqa: E402
from tensorflow.core.protobuf import config_pb2  # noqa: E402
from tensorflow_serving.apis import (  # noqa: E402
    get_model_metadata_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

HTTP_CODES = {"INVALID_ARGUMENT": 400, "NOT_FOUND": 404, "FAILED_PRECONDITION": 412}


class RefusedError(Exception):
    """A request that is not answered, with the name of its gRPC status."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class Model:
    """One SavedModel in a session of its own."""

    def __init__(self, folder: pathlib.Path):
        self.session = tf.compat.v1.Session(graph=tf.Graph())
        with self.session.graph.as_default():
            meta_graph = tf.compat.v1.saved_model.load(self.session, ["serve"], str(folder))
        self.signatures = {
            name: signature for name, signature in meta_graph.signature_def.items() if not name.startswith("__")
        }
        self.functions = {name: self._to_function(signature) for name, signature in self.signatures.items()}

    def _to_function(self, signature):
        feed = [signature.inputs[name].name for name in sorted(signature.inputs)]
        fetch = [signature.outputs[name].name for name in sorted(signature.outputs)]
        # Unlike `run` it leaves all checks to the runtime, as a server in C++ does.
        return self.session._make_callable_from_options(config_pb2.CallableOptions(feed=feed, fetch=fetch))

    def predict(self, signature_name: str, inputs: dict) -> dict:
        signature = self.signatures[signature_name]
        if set(inputs) != set(signature.inputs):
            missing = ",".join(sorted(set(signature.inputs) - set(inputs)))
            message = f"input size does not match signature: Missing but required: {{{missing}}}"
            raise RefusedError("INVALID_ARGUMENT", message)
        try:
            values = self.functions[signature_name](*(inputs[name] for name in sorted(inputs)))
        except tf.errors.OpError as error:
            status = next(code for code in grpc.StatusCode if code.value[0] == error.error_code).name
            raise RefusedError(status, error.message) from error
        return dict(zip(sorted(signature.outputs), values, strict=True))


class Models:
    """The newest version of each model below a folder."""

    def __init__(self, folder: pathlib.Path):
        versions = sorted(folder.glob("*/[0-9]*"), key=lambda path: int(path.name))
        self.models = {path.parent.name: Model(path) for path in versions}

    def find(self, name: str) -> Model:
        if name not in self.models:
            raise RefusedError("NOT_FOUND", f"Servable not found for request: Latest({name})")
        return self.models[name]


class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
    """gRPC."""

    def __init__(self, models: Models):
        self.models = models

    def Predict(self, request, context):  # noqa: N802
        response = predict_pb2.PredictResponse(model_spec=request.model_spec)
        try:
            model, name = self.models.find(request.model_spec.name), request.model_spec.signature_name
            name = name or "serving_default"
            if name not in model.signatures:
                raise RefusedError("FAILED_PRECONDITION", f'Serving signature key "{name}" not found.')
            inputs = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
            for key, value in model.predict(name, inputs).items():
                response.outputs[key].CopyFrom(tf.make_tensor_proto(value))
        except RefusedError as error:
            context.abort(grpc.StatusCode[error.status], str(error))
        return response

    def GetModelMetadata(self, request, context):  # noqa: N802
        signatures = get_model_metadata_pb2.SignatureDefMap()
        for name, signature in self.models.find(request.model_spec.name).signatures.items():
            signatures.signature_def[name].CopyFrom(signature)
        response = get_model_metadata_pb2.GetModelMetadataResponse(model_spec=request.model_spec)
        response.metadata["signature_def"].Pack(signatures)
        return response


class Handler(http.server.BaseHTTPRequestHandler):
    """REST: predict in the format of columns, and metadata."""

    models: Models

    def do_GET(self):
        self._answer(self._metadata)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(lambda: self._predict(body))

    def _model(self) -> Model:
        return self.models.find(re.fullmatch(r"/v1/models/(\w+)(:predict|/metadata)", self.path).group(1))

    def _metadata(self):
        signatures = {
            name: json_format.MessageToDict(signature, preserving_proto_field_name=True)
            for name, signature in self._model().signatures.items()
        }
        return {"metadata": {"signature_def": {"signature_def": signatures}}}

    def _predict(self, body):
        model, name = self._model(), body["signature_name"]
        if name not in model.signatures:
            raise RefusedError("INVALID_ARGUMENT", f'Serving signature name: "{name}" not found in signature def')
        kinds = {key: tf.as_dtype(info.dtype).as_numpy_dtype for key, info in model.signatures[name].inputs.items()}
        inputs = {key: np.array(value, kinds.get(key)) for key, value in body["inputs"].items()}
        outputs = {key: _to_json(value) for key, value in model.predict(name, inputs).items()}
        return {"outputs": outputs if len(outputs) > 1 else next(iter(outputs.values()))}

    def _answer(self, make):
        try:
            code, content = 200, make()
        except RefusedError as error:
            code, content = HTTP_CODES[error.status], {"error": str(error)}
        text = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def _to_json(value: np.ndarray):
    return [text.decode() for text in value] if value.dtype == object else value.tolist()


def main(folder: str) -> None:
    """Serves the models below a folder."""
    models = Models(pathlib.Path(folder))
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(8))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Service(models), server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    rest = http.server.ThreadingHTTPServer(("localhost", 0), type("Bound", (Handler,), {"models": models}))
    threading.Thread(target=rest.serve_forever, daemon=True).start()
    print(f"ready {port} {rest.server_port}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main(sys.argv[1])
