"""Every function of the core with arguments that no caller should pass: a documented exception, and never a panic."""

from __future__ import annotations

import ast
import copy
import faulthandler
import inspect
import os
import pickle
import random
import reprlib
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hostile
from budget import attempts
from cascade_sampler import _core

DOCUMENTED = (ValueError, TypeError, KeyError, MemoryError, OverflowError, StopIteration, hostile.HostileError)
LAST = (Path(tempfile.gettempdir()) / f"core_call_{os.getpid()}.txt").open("wb")


class TooLongError(Exception):
    """What the alarm raises in a call that may rightly take for ever."""


def ring(*_: Any) -> None:
    raise TooLongError


def signatures() -> dict[str, list[tuple[str, str]]]:
    """Names and annotations of the arguments of all that `_core.pyi` tells of, by name; properties have none."""
    found = {}
    tree = ast.parse(Path(_core.__file__).with_name("_core.pyi").read_text())
    for item in tree.body:
        functions = item.body if isinstance(item, ast.ClassDef) else [item]
        owner = f"{item.name}." if isinstance(item, ast.ClassDef) else ""
        for function in functions:
            if isinstance(function, ast.FunctionDef):
                arguments = [(arg.arg, ast.unparse(arg.annotation)) for arg in function.args.args if arg.annotation]
                found[owner + function.name] = arguments
    return found


SIGNATURES = signatures()


class Known:
    """What was made by calls that went well, to make the next from."""

    def __init__(self) -> None:
        codes = (np.arange(40) % 3).astype(np.int8)
        column = ([(codes, None)], 3)
        self.indices = [
            _core.Index(40, column, column, None, True),
            _core.Index(40, column, None, [np.arange(40) / 2]),
            _core.Index(40, column, column, [np.arange(40) / 2]),
        ]
        drawn = _core.Plan(self.indices[0], 4, 0.5, None, None, False, None, 2.0, 0.3)
        timed = _core.Plan(self.indices[1], 4, 0.5, None, None, True, 3, 2.0, 0.3)
        dealt = _core.dealt_plan(self.indices[0], 6, 0.3, "size", None, [], 2, 2, 2, None, 2.0, 0.3)
        self.plans = [drawn, timed, dealt]
        self.feeds = [_core.Feed(plan, 3, 2, 1, "int64") for plan in self.plans]
        self.iterators = [iter(feed) for feed in self.feeds]
        self.objects: dict[str, list[Any]] = {
            "Index": self.indices,
            "Plan": self.plans,
            "Feed": self.feeds,
            "Batches": self.iterators,
            "Coverage": [self.feeds[2].coverage(0)],
            "Deck": [_core.Deck(100, 5), _core.Deck(7, 2**64 - 1)],
            "Generator": [_core.Generator(0)],
        }
        self.states = [feed.state_dict() for feed in self.feeds]


def whole(draw: random.Random) -> int:
    return draw.choice([0, 1, 2, 3, 4, 5, 8, 40, 1000, draw.choice(hostile.WHOLE)])


def codes(draw: random.Random) -> np.ndarray:
    length = draw.choice([40, 40, 40, 12])
    numbers = [draw.randrange(3) for _ in range(length)]
    return np.array(numbers, draw.choice(["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]))


def column(draw: random.Random) -> Any:
    ranks = draw.choice(
        [None, None, np.array([2, 0, 1], np.uint32), np.array([2**32 - 1, 0, 1], np.uint32), hostile.array(draw)]
    )
    return [(codes(draw), ranks) for _ in range(draw.choice([1, 1, 1, 0, 2]))], draw.choice([3, 3, 3, whole(draw)])


def numbers(draw: random.Random) -> list[float]:
    return [draw.choice([1.0, 0.5, *hostile.REAL]) for _ in range(3)]


def state(draw: random.Random, known: Known) -> Any:
    """A state of which some field is altered."""
    given = copy.deepcopy(draw.choice(known.states))
    at = draw.choice([given, given["fingerprint"], given.get("generator", given)])
    at[draw.choice([*at, "more"])] = hostile.value(draw)
    return given


def timing(draw: random.Random) -> Any:
    hours = [draw.choice([0.0, 1.0, 2.5, -1.0, 1e30, float("nan"), draw.random()]) for _ in range(40)]
    return draw.choice([None, [np.array(hours, draw.choice(["f4", "f8"]))], [hostile.array(draw)]])


#: For each annotation of `_core.pyi` what is passed where an argument is not to be hostile.
SANE: dict[str, Callable[[random.Random, Known], Any]] = {
    "int": lambda draw, known: whole(draw),
    "int | None": lambda draw, known: draw.choice([None, whole(draw)]),
    "float": lambda draw, known: draw.choice([0.0, 0.25, 0.5, 2.0, *hostile.REAL]),
    "bool": lambda draw, known: draw.random() < 0.5,
    "str": lambda draw, known: draw.choice(["int64", "int32", "uint32", "list", "x"]),
    "str | list[float]": lambda draw, known: draw.choice(["size", "sqrt", "equal", "?", numbers(draw)]),
    "list[float] | None": lambda draw, known: draw.choice([None, None, numbers(draw)]),
    "list[int]": lambda draw, known: draw.choice([[], [], [0], [2, 2], [whole(draw)]]),
    "_Column": lambda draw, known: column(draw),
    "_Column | None": lambda draw, known: draw.choice([None, column(draw)]),
    "list[NDArray[Any]] | None": lambda draw, known: timing(draw),
    "NDArray[Any]": lambda draw, known: codes(draw),
    "Index": lambda draw, known: draw.choice(known.indices),
    "Plan": lambda draw, known: draw.choice(known.plans),
    "Any": lambda draw, known: state(draw, known),
    "_Place | None": lambda draw, known: draw.choice(
        [None, (0, whole(draw), 0, 0, None), tuple(whole(draw) for _ in "12345")]
    ),
    "Callable[[int], object] | None": lambda draw, known: draw.choice([None, lambda done: None, hostile.Raises()]),
}


def target(name: str, known: Known, draw: random.Random) -> Any:
    owner, _, method = name.rpartition(".")
    if not owner:
        return getattr(_core, method)
    if method == "__new__":
        return getattr(_core, owner)
    if isinstance(inspect.getattr_static(getattr(_core, owner), method), staticmethod):
        return getattr(getattr(_core, owner), method)
    return getattr(draw.choice(known.objects[owner]), method)


def attack(name: str, draw: random.Random, known: Known) -> None:
    arguments = [
        hostile.value(draw) if draw.random() < 0.08 else SANE[annotation](draw, known)
        for _, annotation in SIGNATURES[name]
    ]
    if draw.random() < 0.02:
        arguments.append(hostile.value(draw))
    if draw.random() < 0.02 and arguments:
        arguments.pop()
    # Where a call never ends, or ends the process, this is what tells which it was.
    os.pwrite(LAST.fileno(), f"{name} {reprlib.repr(arguments)}".ljust(600).encode(errors="replace"), 0)
    made = target(name, known, draw)
    if callable(made):
        made = made(*arguments)
    owner = type(made).__name__
    if owner in known.objects and draw.random() < 0.2:
        kept = known.objects[owner]
        # The first ones stay, so that there is always something to attack.
        kept[3:] = kept[4:] if len(kept) > 40 else kept[3:]
        kept.append(made)
        if owner in ("Index", "Plan", "Feed"):
            pickle.loads(pickle.dumps(made))


@pytest.fixture(autouse=True)
def bounded(less_memory: None) -> Iterator[None]:
    """An alarm for what takes for ever, and an end where even that is not heard."""
    heard = signal.signal(signal.SIGALRM, ring)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, heard)
        faulthandler.cancel_dump_traceback_later()


@pytest.mark.filterwarnings("ignore")
def test_every_function_of_the_core() -> None:
    for number, draw, outcomes in attempts("core calls", 0.4, least=20):
        known = Known()
        for name in SIGNATURES:
            for turn in range(20):
                faulthandler.dump_traceback_later(60, exit=True)
                try:
                    # The alarm is off before anything is made of what came out.
                    signal.setitimer(signal.ITIMER_REAL, 0.3)
                    try:
                        attack(name, draw, known)
                    finally:
                        signal.setitimer(signal.ITIMER_REAL, 0)
                    outcomes["went well"] += 1
                except TooLongError:
                    outcomes["interrupted"] += 1
                except DOCUMENTED as error:
                    outcomes[type(error).__name__] += 1
                except BaseException as error:
                    if isinstance(error, RuntimeError) and "torch.distributed" in str(error):
                        outcomes["without a process group"] += 1
                    # An alarm may ring while another exception is made of it.
                    elif not isinstance(error.__cause__ or error.__context__, TooLongError):
                        pytest.fail(f"attempt {number}, {name}, turn {turn}: {type(error).__name__}: {error}")
        assert outcomes["went well"] > 100
