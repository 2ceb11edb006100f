"""How a record is rebuilt from its stored form: by a function that is written for its class, once.

What is kept was checked when it was made, so that no ``__init__`` runs: the fields are set on an instance of a twin, a
subclass that lets itself be changed, and the instance then becomes one of the frozen class. What could not have been
written is still refused: a key that is unknown or missing, a value of another type.
"""

from __future__ import annotations

from collections.abc import Callable
from types import NoneType, UnionType
from typing import Any, TypeAlias, TypeVar, Union, get_args, get_origin

import attrs

__all__ = ["Reader", "Unreadable", "at_version", "part_of_optional", "reader"]

R = TypeVar("R")
Reader: TypeAlias = Callable[[Any, Any], Any]
_PLAIN = (str, int, bool)


class Unreadable(Exception):
    """Some part of a body is not what was written; turned into ``Corrupt`` with the record's name."""


def reader(cls: type[R], hook: Callable[[Any], Reader], beside: tuple[str, ...] = ()) -> Callable[..., R]:
    """Return a function from a mapping of stored values to a *cls*.

    *hook* gives the function that reads a field of a type, called with the value and the type. The fields *beside* do not
    stand in the mapping: they are arguments of their own, behind it.
    """
    attrs.resolve_types(cls)  # type: ignore[type-var]
    fields = attrs.fields(cls)  # type: ignore[arg-type]
    inside = [field for field in fields if field.name not in beside]
    needed = [field for field in inside if field.default is attrs.NOTHING]
    names: dict[str, Any] = {
        "cls": cls,
        "twin": _twin(cls),
        "refuse": _refuse,
        "keys": {field.name for field in inside},
    }
    arguments = ", ".join(beside) or "_"
    lines = [
        f"def read(values, {arguments}):",
        " if type(values) is not dict: refuse(values, keys)",
        " record = twin()",
    ]
    lines += [f" record.{name} = {name}" for name in beside]
    lines += [f" left = len(values) - {len(needed)}"]
    for number, field in enumerate(inside):
        names[f"type{number}"], names[f"hook{number}"] = field.type, None
        set_it = _setting(field, number, names, hook)
        if field.default is attrs.NOTHING:
            lines += [f" v = values[{field.name!r}]", *[f" {line}" for line in set_it]]
            continue
        factory = hasattr(field.default, "factory")
        names[f"default{number}"] = field.default.factory if factory else field.default
        lines += [f" if {field.name!r} in values:", f"  v = values[{field.name!r}]", "  left -= 1"]
        lines += [f"  {line}" for line in set_it]
        lines += [f" else: record.{field.name} = default{number}{'()' * factory}"]
    lines += [" if left: refuse(values, keys)", " record.__class__ = cls", " return record"]
    exec("\n".join(lines), names)  # noqa: S102  # the names are those of our own fields
    read: Callable[..., R] = names["read"]
    return read


def _setting(
    field: attrs.Attribute[Any], number: int, names: dict[str, Any], hook: Callable[[Any], Reader]
) -> list[str]:
    """Return the lines that set *field* to what ``v`` stands for."""
    kind: Any = field.type
    one = part_of_optional(kind)
    plain = kind if one is None else one
    here = f"record.{field.name} = "
    if plain in _PLAIN:
        names[f"plain{number}"] = plain
        test = f"if type(v) is not plain{number}" + (" and v is not None" if one is not None else "")
        return [f"{test}: refuse(v, plain{number})", f"{here}v"]
    names[f"hook{number}"], names[f"type{number}"] = hook(plain), plain
    found = f"hook{number}(v, type{number})"
    return [here + (found if one is None else f"None if v is None else {found}")]


def part_of_optional(kind: Any) -> Any:
    """Return the ``X`` of ``X | None``, or ``None`` for any other type.

    >>> part_of_optional(str | None), part_of_optional(str)
    (<class 'str'>, None)
    """
    if get_origin(kind) not in (Union, UnionType):
        return None
    parts = [part for part in get_args(kind) if part is not NoneType]
    return parts[0] if len(parts) == 1 and len(get_args(kind)) == 2 else None


_AT_VERSION: dict[type[Any], Callable[[Any, int], Any]] = {}
_TWINS: dict[type[Any], type[Any]] = {}


def at_version(record: R, version: int) -> R:
    """Return *record* as it is once it is kept: the same but for its *version*, so that nothing is checked again."""
    cls = type(record)
    if cls not in _AT_VERSION:
        _AT_VERSION[cls] = _renumbering(cls)
    return _AT_VERSION[cls](record, version)  # type: ignore[no-any-return]


def _renumbering(cls: type[Any]) -> Callable[[Any, int], Any]:
    names: dict[str, Any] = {"cls": cls, "twin": _twin(cls)}
    fields = [field.name for field in attrs.fields(cls) if field.name != "version"]
    lines = ["def at_version(record, version):", " new = twin()", " new.version = version"]
    lines += [f" new.{name} = record.{name}" for name in fields]
    exec("\n".join([*lines, " new.__class__ = cls", " return new"]), names)  # noqa: S102  # the names of our own fields
    made: Callable[[Any, int], Any] = names["at_version"]
    return made


def _twin(cls: type[Any]) -> type[Any]:
    if cls not in _TWINS:
        # Both of the last two, or neither is fast: they share a slot of the type.
        plain = {one: getattr(object, one) for one in ("__init__", "__setattr__", "__delattr__")}
        body = {"__slots__": (), "__module__": cls.__module__, **plain}
        twin: type[Any] = type(cls.__name__, (cls,), body)
        twin().__class__ = cls  # refused by Python, here and now, where the two were not laid out alike
        _TWINS[cls] = twin
    return _TWINS[cls]


def _refuse(value: Any, wanted: Any) -> None:
    if isinstance(wanted, set):
        if type(value) is not dict:
            raise Unreadable(f"a record expected, found {type(value).__name__}")
        raise Unreadable(f"unknown keys {sorted(value.keys() - wanted)}")
    raise Unreadable(f"{wanted.__name__} expected, found {type(value).__name__}")
