"""Keras' private parts are still as the adapter knows them."""

import ast
import inspect
import pathlib

import keras
import pytest

import sisrnn_tf
from sisrnn_tf.core import keras_internals
from sisrnn_tf.core.keras_internals import PRIVATE, BuiltModel, SummedGradients


@pytest.mark.parametrize("kind", PRIVATE)
def test_keras_has_the_private_parts_that_we_use(kind):
    made = kind()
    missing = [name for name in PRIVATE[kind] if not hasattr(made, name)]
    message = f"Keras {keras.__version__} has no {kind.__name__}.{missing}: see core/keras_internals.py"
    assert not missing, message


@pytest.mark.parametrize(("ours", "theirs"), [(BuiltModel, keras.Model), (SummedGradients, keras.optimizers.Adam)])
def test_what_we_put_in_keras_place_takes_what_keras_gives(ours, theirs):
    replaced = [name for name in vars(ours) if name in PRIVATE[theirs]]
    assert replaced
    for name in replaced:
        received, expected = (list(inspect.signature(getattr(each, name)).parameters) for each in (ours, theirs))
        assert received == expected, f"Keras {keras.__version__}: {name}{expected}; see core/keras_internals.py"


def test_fit_marks_the_data_set_that_it_has_checked():
    for method in (keras.Model.fit, keras.Model.evaluate):
        assert keras_internals.CACHED_DATA in inspect.getsource(method)


def test_nothing_else_uses_a_private_name_of_keras():
    """Nor makes one of its own by the same name, which Keras would take for its own."""
    theirs = {name for kind in PRIVATE for name in dir(kind()) if name.startswith("_") and not name.startswith("__")}
    package = pathlib.Path(sisrnn_tf.__file__).parent
    used = {}
    for path in sorted(package.rglob("*.py")):
        if path.stem != "keras_internals":
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                name = getattr(node, "attr", None) or (node.name if isinstance(node, ast.FunctionDef) else None)
                if name in theirs:
                    used[name] = f"{path.relative_to(package)}:{node.lineno}"
    assert not used
