"""Weak references to objects that several threads add to and iterate over.

``weakref.WeakSet`` is not safe for this: a set that another thread adds to while it is iterated
raises "Set changed size during iteration", and so may one whose member is collected meanwhile.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class WeakList(Generic[T]):
    """Objects in the order in which they were added, each once, as long as they exist.

    An iteration goes over the objects that existed at its beginning.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Without callbacks, which the garbage collector would run at any time on any thread.
        self._references: dict[int, weakref.ref[T]] = {}

    def add(self, item: T) -> None:
        """Add an object unless it is in the list."""
        # Made first: an object that cannot be referenced weakly is refused.
        reference = weakref.ref(item)
        with self._lock:
            # The id of an object that exists no more may be that of a new one.
            self._references[id(item)] = reference

    def __len__(self) -> int:
        return len(self._snapshot())

    def __iter__(self) -> Iterator[T]:
        return iter(self._snapshot())

    def _snapshot(self) -> list[T]:
        with self._lock:
            found = [(key, reference()) for key, reference in self._references.items()]
            items = [item for _, item in found if item is not None]
            for key, item in found:
                if item is None:
                    del self._references[key]
        return items
