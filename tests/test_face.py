"""The public face as tools see it: typed without ``Any``, and complete where names are offered."""

from __future__ import annotations

import ast
import importlib
import inspect
import textwrap

import pytest
from tests.test_doctests import FACE

import salespipeline as sp
from salespipeline import arguments, blobs, mail, render


def loose(cls: type) -> list[str]:
    """Return the public methods of *cls* whose signature says ``Any``."""
    (found,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(found, ast.ClassDef)
    methods = [one for one in found.body if isinstance(one, ast.FunctionDef) and not one.name.startswith("_")]
    return [one.name for one in methods if any(name == "Any" for name in names(one))]


def names(function: ast.FunctionDef) -> list[str]:
    arguments = function.args
    several = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    hints = [one.annotation for one in several if one is not None and one.annotation is not None]
    nodes = [node for hint in [*hints, function.returns] if hint is not None for node in ast.walk(hint)]
    return [node.id for node in nodes if isinstance(node, ast.Name)]


CLASSES = {
    *(path for path in FACE if path.partition(":")[2][0].isupper()),
    *(f"{one.__module__.removeprefix('salespipeline.')}:{name}" for name in sp.__all__
      if isinstance(one := getattr(sp, name), type)),
}  # fmt: skip


@pytest.mark.parametrize("path", sorted(CLASSES))
def test_no_signature_of_the_face_says_any(path):
    module, _, name = path.partition(":")
    found = inspect.unwrap(getattr(importlib.import_module(f"salespipeline.{module}"), name))
    assert loose(found) == []


def test_a_signature_that_says_any_is_seen():
    class Loose:
        def first(self, **facts: "dict[str, Any]") -> int: ...  # noqa: F821, UP037
        def second(self, value: list[ast.Any]) -> None: ...
        def third(self, value: int) -> "tuple[Any, ...]": ...  # noqa: F821, UP037
        def fine(self, value: int) -> str: ...

    source = inspect.getsource(Loose).replace("ast.Any", "Any").replace('"', "")
    (found,) = ast.parse(textwrap.dedent(source)).body
    methods = [one for one in found.body if isinstance(one, ast.FunctionDef)]
    assert [one.name for one in methods if "Any" in names(one)] == ["first", "second", "third"]


def test_no_fact_that_can_be_given_is_any():
    for name in arguments.__all__:
        found = getattr(arguments, name)
        hints = getattr(found, "__annotations__", {})
        assert [key for key, hint in hints.items() if "Any" in str(hint)] == [], name


@pytest.mark.parametrize("module", [sp, mail, blobs, render])
def test_every_name_that_is_offered_is_there_and_shown_to_completion(module):
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
    assert set(module.__all__) <= set(dir(module))
    with pytest.raises(AttributeError, match="nonsense"):
        module.nonsense  # noqa: B018
