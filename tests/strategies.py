"""Drawn columns and proportions, for the tests that hold a sampler against an oracle."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

proportion = st.one_of(st.just(0.0), st.floats(0.01, 100.0))


@st.composite
def times(draw, rows):
    """Hours in every width, with ties and without, on both sides of zero, and such as differ by what rounds away."""
    dtype = draw(st.sampled_from(["float64", "float32", "int64", "int8", "uint16"]))
    if draw(st.integers(0, 3)) == 0 and not dtype.endswith("8"):
        return np.array(draw(st.permutations(range(rows)))).astype(dtype)
    if dtype in ("float64", "float32"):
        width = 32 if dtype == "float32" else 64
        hours = draw(
            st.sampled_from(
                [
                    st.sampled_from([0.0, -0.0, 0.1, 0.2, 0.3, -0.1, 1 / 3, 2.0, -2.0, 1e-320, 1e30]),
                    st.integers(-300, 300).map(lambda number: number / 6),
                    st.floats(-30, 30, width=width),
                    st.floats(allow_nan=False, allow_infinity=False, width=width),
                ]
            )
        )
    else:
        hours = st.integers(max(-120, int(np.iinfo(dtype).min)), 120)
    if draw(st.booleans()):
        return np.array(draw(st.lists(hours, min_size=rows, max_size=rows))).astype(dtype)
    few = st.sampled_from(draw(st.lists(hours, min_size=1, max_size=8)))
    return np.array(draw(st.lists(few, min_size=rows, max_size=rows))).astype(dtype)
