"""What callers hand over: a thing of the wrong kind is told in words, before anything is done with it."""

from __future__ import annotations

from precordia.core.errors import UsageError
from precordia.core.recording import Recording


def kind_in_words(thing: object) -> str:
    """What a thing is that was not expected."""
    return "None" if thing is None else f"a value of type {type(thing).__name__}"


def expect(thing: object, kinds: type | tuple[type, ...], wanted: str) -> None:
    """Refuse what is of none of these kinds.

    Args:
        thing: What was given.
        kinds: What it may be.
        wanted: The same for people, as the message begins.

    Raises:
        UsageError: it is something else.
    """
    if not isinstance(thing, kinds):
        raise UsageError(f"{wanted}, not {kind_in_words(thing)}")


def expect_recording(thing: object) -> None:
    """Refuse what is no recording.

    Raises:
        UsageError: it is something else, such as the path of a file that is yet to be read.
    """
    expect(thing, Recording, "give a Recording, such as read_recording(path) gives")
