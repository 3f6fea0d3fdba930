"""`dataclass` for classes with slots, without the code that the one of Python compiles for each class.

Of most classes that a command imports it never makes an instance, and compiling six methods for each took a quarter of
the time before a plan. Here classes share their methods, and `__init__` is compiled when the first instance is made.
`fields`, `replace`, `asdict` and `match` see a dataclass, and so does mypy.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(declared: type | None = None, **options: Any) -> Any:
        """What `dataclasses.dataclass` does; with `slots=True`, frozen or not, it is made in the way of this module."""
        fast = options in ({"frozen": True, "slots": True}, {"slots": True})
        return partial(_made, frozen=len(options) > 1) if fast else dataclasses.dataclass(declared, **options)


_declare = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True)


def _made(declared: type, *, frozen: bool) -> type:
    """The class with slots, and with the methods of a dataclass."""
    # For one without a docstring Python would write out the signature of its __init__.
    declared.__doc__ = declared.__doc__ or declared.__name__
    made: Any = _declare(declared)
    made.__dataclass_params__.frozen = frozen  # for those who inherit from it
    own = dict(vars(made))
    compared = [field.name for field in dataclasses.fields(made) if field.compare]
    key = attrgetter(*compared) if compared else _nothing

    def first(self: Any, *arguments: Any, **named: Any) -> None:
        made.__init__ = _compiled(made)
        made.__init__(self, *arguments, **named)

    def equal(self: Any, other: object) -> bool:
        return bool(key(self) == key(other)) if other.__class__ is self.__class__ else NotImplemented

    def identity(self: Any) -> int:
        return hash(key(self))

    methods: dict[str, Any] = {"__init__": first, "__eq__": equal, "__repr__": _shown, "__hash__": None}
    if frozen:
        methods |= {"__hash__": identity, "__setattr__": _refuse, "__delattr__": _refuse}
        methods |= {"__getstate__": _state, "__setstate__": _restore}
    for name, method in methods.items():
        # A class with an `__eq__` of its own has None for its hash.
        if own.get(name) is None:
            setattr(made, name, method)
    return made  # type: ignore[no-any-return]


def _nothing(_: object) -> tuple[()]:
    return ()


def _compiled(owner: Any) -> Any:
    """The `__init__` of a class, from its fields."""
    known: dict[str, Any] = {"_set": object.__setattr__, "_missing": object()}
    parameters, body = ["self"], []
    for field in dataclasses.fields(owner):
        name = field.name
        default, given, unset = "", name, ""
        if field.default_factory is not dataclasses.MISSING:
            known[f"_make_{name}"] = field.default_factory
            default, unset = "=_missing", f"_make_{name}()"
            given = f"{unset} if {name} is _missing else {name}"
        elif field.default is not dataclasses.MISSING:
            known[f"_default_{name}"] = field.default
            default, unset = f"=_default_{name}", f"_default_{name}"
        if field.init:
            parameters.append(f"{name}{default}")
            body.append(f"_set(self, {name!r}, {given})")
        elif unset:
            body.append(f"_set(self, {name!r}, {unset})")
    body += ["self.__post_init__()"] if hasattr(owner, "__post_init__") else []
    lines = "".join(f"    {line}\n" for line in body or ["pass"])
    exec(f"def __init__({', '.join(parameters)}):\n{lines}", known)
    known["__init__"].__qualname__ = f"{owner.__qualname__}.__init__"
    return known["__init__"]


def _shown(self: Any) -> str:
    listed = (f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr)
    return f"{type(self).__qualname__}({', '.join(listed)})"


def _refuse(self: Any, name: str, *_: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to or delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _restore(self: Any, state: list[Any]) -> None:
    for field, kept in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, kept)
