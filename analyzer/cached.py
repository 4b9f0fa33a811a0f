"""A property that is worked out once: that of `functools`, which before Python 3.12 takes a lock each first time.

A case of 4,600 attempts works out 300,000 of them, and the locks were a thirtieth of what `fedtrace analyze` took.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

Value = TypeVar("Value")

if sys.version_info >= (3, 12):
    from functools import cached_property
else:

    class cached_property(Generic[Value]):  # it stands for that of `functools`
        """As in Python 3.12: what `find` gives for an object is kept in the object, under the property's name."""

        def __init__(self, find: Callable[[Any], Value]) -> None:
            """Decorates a method."""
            self._find = find
            self._name = ""
            self.__doc__ = find.__doc__

        def __set_name__(self, owner: type, name: str) -> None:
            self._name = name

        @overload
        def __get__(self, instance: None, owner: type | None = None) -> cached_property[Value]: ...

        @overload
        def __get__(self, instance: object, owner: type | None = None) -> Value: ...

        def __get__(self, instance: object | None, owner: type | None = None) -> cached_property[Value] | Value:
            if instance is None:
                return self
            value = instance.__dict__[self._name] = self._find(instance)
            return value


__all__ = ["cached_property"]
