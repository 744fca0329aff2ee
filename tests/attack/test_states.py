"""States and pickles of which every field is altered: a clear refusal, or the batches that the state asks for."""

from __future__ import annotations

import copy
import json
import pickle
import pickletools
import random
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

import hostile
from budget import attempts
from cascade_sampler import CascadeSampler, FlexibleBatchSampler, _core

pytestmark = pytest.mark.usefixtures("less_memory")

COLUMNS = {"experiment": np.arange(600) % 7, "condition": np.arange(600) // 3 % 5, "hours": np.arange(600) % 90 / 2}
REFUSED = (ValueError, TypeError, hostile.HostileError)


def samplers() -> list[Any]:
    keys = {"experiment_key": "experiment", "condition_key": "condition", "time_key": "hours"}
    return [
        FlexibleBatchSampler(COLUMNS, 20, leaky=0.2, seed=3, temporal_enrichment=True, **keys),
        FlexibleBatchSampler(COLUMNS, 19, drop_last=False, condition_balanced=False, experiment_weights={1: 1, 2: 0.5}),
        CascadeSampler(COLUMNS, 20, leaky=0.2, seed=3, **keys),
        CascadeSampler(COLUMNS, 20, experiment_key="experiment", experiment_weights="sqrt", fixed_epoch=2),
    ]


def places(state: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every field of nested mappings."""
    if isinstance(state, Mapping):
        for name, value in state.items():
            yield (*path, name)
            yield from places(value, (*path, name))


def altered(state: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    state = copy.deepcopy(state)
    within = state
    for name in path[:-1]:
        within = within[name]
    within[path[-1]] = value
    return state


def near(draw: random.Random, value: Any) -> Any:
    """Something like a value of a state."""
    if isinstance(value, bool) or not isinstance(value, int):
        return draw.choice([hostile.value(draw), str(value), None, [value], 0, True])
    whole = [value + 1, value - 1, 2**20 - 1, 2**20, *hostile.WHOLE, np.int64(value), np.array(value), float(value)]
    return draw.choice([*whole, hostile.value(draw)])


def check(made: Any, state: Any, expected: dict[Any, Any], draw: random.Random) -> str:
    """Load a state, and what is accepted must be what the state's place says."""
    subject = draw.choice([made, iter(made)])
    try:
        subject.load_state_dict(state)
    except REFUSED as error:
        assert not isinstance(error, hostile.HostileError) or not is_plain(state)
        return "refused"
    again = made.state_dict() if subject is made else subject.state_dict()
    assert again["fingerprint"] == expected["fingerprint"]
    json.dumps(again)
    epoch, batches = int(state["epoch"]), int(state["batches"])
    if batches < made.num_batches and epoch < 2**20 and batches + epoch < 1000:
        found = next(iter(made)) if subject is made else next(subject)
        generator = state.get("generator")
        # A generator that stood in another epoch cannot be told from one that stands in this.
        stands = generator is not None and generator == expected["generator"] and epoch == expected["epoch"]
        if generator is None or generator["batches"] == generator["words"] == 0 or stands:
            assert (found == made.batch(batches, epoch)).all()
    return "accepted"


def is_plain(state: Any) -> bool:
    try:
        json.dumps(state)
    except (TypeError, ValueError, hostile.HostileError):
        return False
    return True


@pytest.mark.filterwarnings("ignore")
def test_every_field_of_a_state() -> None:
    for _, draw, outcomes in attempts("states", 0.12):
        for number in range(4):
            made = samplers()[number]
            iterator = iter(made)
            for _ in range(draw.randrange(1, 4)):
                next(iterator)
            state = iterator.state_dict()
            for path in places(state):
                value = state
                for name in path:
                    value = value[name]
                outcomes[check(made, altered(state, path, near(draw, value)), state, draw)] += 1
                lacking = altered(state, path, None)
                within = lacking
                for name in path[:-1]:
                    within = within[name]
                del within[path[-1]]
                # What is None in a fingerprint may as well not be there.
                if value is not None:
                    with pytest.raises(ValueError):
                        made.load_state_dict(lacking)
                    outcomes["lacking"] += 1


def reduced(draw: random.Random, value: Any, depth: int = 0) -> Any:
    """What an object is made from, of which something is altered."""
    if isinstance(value, tuple | list) and value and depth < 6:
        at = draw.randrange(len(value))
        items = [reduced(draw, item, depth + 1) if at == place else item for place, item in enumerate(value)]
        return type(value)(items)
    if isinstance(value, dict) and value:
        name = draw.choice(list(value))
        return {**value, name: reduced(draw, value[name], depth + 1)}
    if isinstance(value, np.ndarray) and draw.random() < 0.7:
        values = value.copy()
        if len(values):
            with np.errstate(all="ignore"):
                values[draw.randrange(len(values))] = np.array(draw.choice([0, 5, 127, -1])).astype(values.dtype)
        return draw.choice(
            [values, values[:-1], values[::-1], values.astype("f8"), values.astype("i2"), np.tile(values, 2)]
        )
    if isinstance(value, _core.Index | _core.Plan):
        make, arguments = value.__reduce__()
        return make(*reduced(draw, arguments, depth))
    return near(draw, value)


@pytest.mark.filterwarnings("ignore")
def test_what_a_pickle_is_made_from() -> None:
    for number, draw, outcomes in attempts("pickles", 0.12):
        made = draw.choice(samplers())._feed
        if draw.random() < 0.5:
            made = made.plan
        make, arguments, *rest = made.__reduce__()
        try:
            again = make(*reduced(draw, arguments))
            if hasattr(again, "batch"):
                again.batch(0, 0)
        except (*REFUSED, MemoryError, OverflowError, KeyError) as error:
            outcomes[type(error).__name__] += 1
        except RuntimeError as error:
            assert "torch.distributed" in str(error), number
            outcomes["without a process group"] += 1
        else:
            outcomes["accepted"] += 1
        assert all(item is None for item in rest)


class Tame(pickle.Unpickler):
    """Unpickles what a sampler's pickle names, and nothing that changed bytes make of it."""

    def find_class(self, module: str, name: str) -> Any:
        if module.partition(".")[0] not in ("cascade_sampler", "numpy", "datetime", "decimal"):
            raise pickle.UnpicklingError(module)
        return super().find_class(module, name)


@pytest.mark.filterwarnings("ignore")
def test_bytes_of_a_pickle() -> None:
    import io

    for _, draw, outcomes in attempts("bytes of pickles", 0.06):
        whole = pickle.dumps(draw.choice(samplers()), protocol=draw.choice([2, 4, 5]))
        # Numbers, texts and bytes alone: other opcodes are pickle's own matter.
        spots = [
            position
            for opcode, argument, position in pickletools.genops(whole)
            if opcode.name
            in (
                "BININT",
                "BININT1",
                "BININT2",
                "BINFLOAT",
                "SHORT_BINUNICODE",
                "BINUNICODE",
                "LONG1",
                "NEWTRUE",
                "NEWFALSE",
            )
        ]
        changed = bytearray(whole)
        at = draw.choice(spots) + 1
        changed[min(at, len(changed) - 1)] ^= 1 << draw.randrange(8)
        try:
            made = Tame(io.BytesIO(bytes(changed))).load()
            next(iter(made))
        except Exception as error:  # pickle's own errors are of any kind, and a panic is none of them
            outcomes[type(error).__name__] += 1
        else:
            outcomes["accepted"] += 1
