"""Thread-safe list of weak references.

``weakref.WeakSet`` is not thread-safe: an iteration raises "Set changed size during iteration" if
another thread adds an object or if the garbage collector removes one.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class WeakList(Generic[T]):
    """Distinct objects in order of addition, each until it is garbage-collected.

    An iteration covers the objects that existed when it began.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Without callbacks, which the garbage collector would call at any time on any thread.
        self._references: dict[int, weakref.ref[T]] = {}

    def add(self, item: T) -> None:
        """Add an object unless it is in the list."""
        # Before the lock is taken, since this raises if the type has no weak references.
        reference = weakref.ref(item)
        with self._lock:
            # Replace the reference: the id may have belonged to an object that was collected.
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
