"""From names to numbers: what the core is given to plan, and what it refuses in the words of the arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cascade_sampler import _core
from cascade_sampler._index.facts import NamedLabels
from cascade_sampler._index.index import Index
from cascade_sampler._samplers.kinds import Label
from cascade_sampler._tables.labels import by_label
from cascade_sampler._tables.shown import shown

_Numbers = list[float] | None


def make_plan(
    index: Index,
    weights: Mapping[Label, float] | None,
    ratios: Mapping[Label, float] | None,
    plan: Callable[[_Numbers, _Numbers], _core.Plan],
) -> _core.Plan:
    """Have the core plan.

    Parameters
    ----------
    index : Index
        What the table says.
    weights, ratios : dict or None
        By label; None for the default, and where the key is not used.
    plan : callable
        Is given weights and ratios by number.

    Raises
    ------
    ValueError
        For names without rows, and for all that the core refuses.
    """
    facts = index._facts
    experiments, conditions = facts.experiments, facts.conditions
    weight_values = ratio_values = None
    if weights is not None and experiments is not None:
        weight_values = by_label("experiment_weights", weights, experiments.labels, experiments.name)
    if ratios is not None and conditions is not None:
        ratio_values = by_label("condition_ratio", ratios, conditions.labels, conditions.name)
    try:
        return plan(weight_values, ratio_values)
    except _core.NoConditionError as error:
        label = shown(experiments.labels[error.args[1]]) if experiments else "the table"
        raise ValueError(
            f"condition_ratio leaves {label} without a condition to draw from: all its conditions have the ratio 0; "
            "give one of them a ratio above 0, or the experiment the weight 0"
        ) from None
    except _core.TooFewSeatsError as error:
        _, number, sharing, seats = error.args
        batches = f"a batch of {shown(experiments.labels[number])}" if experiments else "a batch"
        raise ValueError(
            f"{sharing} conditions share {batches}, which has {seats} seats for them: raise batch_size, or pass "
            + (f"conditions_per_batch={seats} or fewer, so that they take turns" if seats else "leaky below 1")
        ) from None
    except _core.RatioNotAllowedError as error:
        _, number, ratio = error.args
        label = shown(conditions.labels[number]) if conditions else number
        raise ValueError(
            f"condition_ratio[{label}] is {ratio}, and with conditions_per_batch only conditions in always may have a "
            "ratio other than 0 and 1: the others take turns. Name it in always, or give it 1 or 0"
        ) from None
    except ValueError as error:
        refused = error
    if facts.left_out:
        # Rows that are left out may have been the only ones of a label.
        for argument, given, key, left in (
            ("experiment_weights", weights, experiments, index.experiments),
            ("condition_ratio", ratios, conditions, index.conditions),
        ):
            if given is not None and key is not None:
                by_label(argument, given, left, key.name)
    raise refused


def numbers_of(argument: str, names: Sequence[Label], key: NamedLabels | None) -> list[int]:
    """Return the label numbers of some names.

    Raises
    ------
    ValueError
        For names without rows.
    """
    if key is None or not names:
        return []
    values = by_label(argument, dict.fromkeys(names, 1.0), key.labels, key.name)
    return [number for number, value in enumerate(values) if value == 1.0]
