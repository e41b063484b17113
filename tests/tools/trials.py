"""One call with one argument spoiled: what came of it, and whether that is allowed."""

from __future__ import annotations

import dataclasses
import enum
import re
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import numpy as np

ALLOWED = (TypeError, ValueError, OSError, MemoryError)
LONGEST = 700
"""Characters of a message."""
SECONDS = 60


class Outcome(enum.Enum):
    ANSWER = "answered"
    WARNED = "answered with a warning"
    REFUSED = "refused in one sentence"
    UNCLEAR = "UNCLEAR MESSAGE"
    NAN = "SILENT NaN"
    INFINITE = "SILENT INFINITY"
    NOISE = "WARNING OF A LIBRARY"
    OTHER = "ANOTHER ANSWER"
    CRASH = "CRASH"
    HANG = "HANG"

    @property
    def allowed(self) -> bool:
        return self in (Outcome.ANSWER, Outcome.WARNED, Outcome.REFUSED)


@dataclass(frozen=True)
class Entry:
    """A public name with a call of it that works."""

    name: str
    function: Callable[..., Any]
    good: Mapping[str, Any]
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What refusals call an argument, where that is not its own name."""
    may_be_nan: tuple[str, ...] = ()
    may_be_infinite: tuple[str, ...] = ()
    not_compared: tuple[str, ...] = ()
    """Arguments whose form is part of the answer, so that strange clothes may change it."""


@dataclass(frozen=True)
class Trial:
    """A call and what came of it."""

    entry: str
    argument: str
    value: str
    outcome: Outcome
    message: str

    def __str__(self) -> str:
        words = " ".join(self.message.split())[:300]
        return f"{self.entry}({self.argument} = {self.value}): {self.outcome.value}: {words}"


class _TooLong(BaseException):
    pass


def _stop(signum: int, frame: FrameType | None) -> None:
    raise _TooLong


@contextmanager
def _limited() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def attempt(
    entry: Entry, argument: str, label: str, value: Any, expected: Any = None, **more: Any
) -> Trial:
    """Call with one argument replaced; `expected` is the answer if the value is a good one."""

    def tell(outcome: Outcome, message: str = "") -> Trial:
        return Trial(entry.name, argument, label, outcome, message)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with _limited():
                answer = entry.function(**{**entry.good, **more, argument: value})
        except ALLOWED as error:
            try:
                words = f"{type(error).__name__}: {error}"
            except Exception:
                return tell(Outcome.CRASH, f"{type(error).__name__} without words")
            fault = unclear(str(error), (argument, *entry.words.get(argument, ())))
            if fault and (_is_the_users_own(error) or _is_foreign(value)):
                fault = None
            return (
                tell(Outcome.UNCLEAR, f"{fault} in {words}")
                if fault
                else tell(Outcome.REFUSED, words)
            )
        except _TooLong:
            return tell(Outcome.HANG)
        except Exception as error:
            if isinstance(error, KeyError) and "the user's own mistake" in str(error):
                return tell(Outcome.REFUSED, "the user's own exception, passed on")
            return tell(Outcome.CRASH, f"{type(error).__name__}: {error}"[:300])
    foreign = [w for w in caught if not issubclass(w.category, UserWarning)]
    if foreign:
        return tell(Outcome.NOISE, f"{foreign[0].category.__name__}: {foreign[0].message}")
    status = getattr(answer, "status", None)
    warned = bool(caught) or (isinstance(status, enum.Enum) and status.name != "CONVERGED")
    if (where := _first(answer, np.isnan, entry.may_be_nan)) and not warned:
        return tell(Outcome.NAN, where)
    if (where := _first(answer, np.isinf, entry.may_be_infinite)) and not warned:
        return tell(Outcome.INFINITE, where)
    if expected is not None and (where := differs(expected, answer)):
        return tell(Outcome.OTHER, where)
    if warned:
        return tell(Outcome.WARNED, str(caught[0].message) if caught else str(status))
    return tell(Outcome.ANSWER)


def _is_the_users_own(error: BaseException) -> bool:
    return "the user's own mistake" in str(error)


def _is_foreign(value: Any) -> bool:
    """A function of someone else's: what it raises is passed on as it is."""
    return callable(value)


def unclear(message: str, names: tuple[str, ...]) -> str | None:
    """What a refusal lacks; None if it is one clear sentence."""
    if "\n" in message.strip() or len(message) > LONGEST:
        return "more than one line"
    if not message.rstrip().endswith("."):
        return "no full stop"
    if not re.search(r"[:;,(] ?\w", message):
        return "no remedy"
    if not any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", message) for name in names):
        return "the argument is not named"
    return None


def numbers(answer: Any, name: str = "answer", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """All arrays of floats in an answer, by name."""
    if depth > 4 or isinstance(answer, str | bytes | enum.Enum) or (callable(answer) and depth):
        return
    if hasattr(answer, "data_vars"):
        for key, variable in answer.variables.items():
            if variable.dtype.kind == "f":
                yield str(key), variable.values
    elif isinstance(answer, float | np.floating | np.ndarray):
        array = np.asarray(answer)
        if array.dtype.kind in "fc":
            yield name, array
    elif isinstance(answer, tuple | list):
        for k, part in enumerate(answer):
            yield from numbers(part, f"{name}[{k}]", depth + 1)
    elif dataclasses.is_dataclass(answer) and not isinstance(answer, type):
        for part in dataclasses.fields(answer):
            yield from numbers(getattr(answer, part.name), part.name, depth + 1)


def _first(answer: Any, test: Callable[[Any], Any], excused: tuple[str, ...]) -> str | None:
    if "*" in excused:
        return None
    for name, array in numbers(answer):
        if name not in excused and test(array).any():
            return name
    return None


def differs(expected: Any, answer: Any) -> str | None:
    """The first number that is another one, beyond rounding."""
    ours, theirs = dict(numbers(expected)), dict(numbers(answer))
    for name, array in ours.items():
        if name.endswith(("_error", "error")) or name not in theirs:
            continue
        other = theirs[name]
        scale = float(np.max(np.abs(array[np.isfinite(array)]), initial=0.0))
        if array.shape != other.shape:
            return f"{name} has shape {other.shape}, not {array.shape}"
        if not np.allclose(array, other, rtol=1e-6, atol=1e-9 * scale, equal_nan=True):
            return f"{name} is {other.flat[0]}, not {array.flat[0]}"
    return None
