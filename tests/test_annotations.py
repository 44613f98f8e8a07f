"""Every parameter and every return of a public function says its type: the package ships `py.typed`."""

import ast
import pathlib

import sisrnn_tf

PACKAGE = pathlib.Path(sisrnn_tf.__file__).parent


def _is_public(name):
    return not name.startswith("_") or (name.startswith("__") and name.endswith("__"))


def _public_functions(body):
    for node in body:
        if isinstance(node, ast.FunctionDef) and _is_public(node.name):
            yield node
        elif isinstance(node, ast.ClassDef) and _is_public(node.name):
            yield from _public_functions(node.body)


def _without_types(function):
    given = function.args
    own = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    names = [
        each.arg for each in own if each is not None and each.annotation is None and each.arg not in ("self", "cls")
    ]
    lacks_return = function.returns is None and function.name not in ("__init__", "__post_init__")
    return names + ["return"] * lacks_return


def test_public_functions_say_the_types_of_what_they_take_and_give():
    missing = [
        f"{path.relative_to(PACKAGE)}:{function.lineno} {function.name}: {', '.join(names)}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for function in _public_functions(ast.parse(path.read_text(encoding="utf-8")).body)
        if (names := _without_types(function))
    ]
    assert not missing, "\n".join(missing)
