"""A string that is never shown, such as an API key."""

from __future__ import annotations

from typing import Any, NoReturn


class Secret:
    """A string that reprs, tracebacks, logs, copies and pickles do not show.

    Parameters
    ----------
    value
        The string.

    Examples
    --------
    >>> key = Secret("my-key")
    >>> key
    <secret>
    >>> key.reveal()
    'my-key'
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        # Tools that show attributes and local variables print strings, but no content of a view.
        self._value = memoryview(value.encode("utf-8", "surrogatepass"))

    def reveal(self) -> str:
        """Return the string.

        Call it where the value is used. Tracebacks with local variables would show a variable.
        """
        return str(self._value, "utf-8", "surrogatepass")

    def __repr__(self) -> str:
        return "<secret>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "An API key cannot be pickled, nor can a client that holds it. Connect again in the "
            "other process."
        )
