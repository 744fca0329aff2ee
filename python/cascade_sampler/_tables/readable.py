"""Whatever is of no dataframe library, as numpy has it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_sampler._tables.errors import message_of
from cascade_sampler._tables.libraries import loaded
from cascade_sampler._tables.shown import shown


def as_array(name: Any, values: Any) -> NDArray[Any]:
    """Return what is of no dataframe library as numpy has it; masks are kept.

    Numbers of torch that numpy has no type for, bfloat16 and those of 8 bits, become float32, which holds them exactly.

    Raises
    ------
    TypeError
        For what is no array: tensors that have a gradient, are sparse or quantised, and the like.
    """
    torch = loaded("torch")
    try:
        if torch and isinstance(values, torch.Tensor):
            if values.requires_grad:
                raise TypeError("it has a gradient: pass .detach()")
            if values.layout is not torch.strided or values.is_quantized:
                raise TypeError("it is a sparse or quantised tensor: pass .to_dense() or .dequantize()")
            values = values.resolve_conj().resolve_neg().cpu()
            if values.is_floating_point() and values.dtype not in (torch.float16, torch.float32, torch.float64):
                values = values.to(torch.float32)
        array: NDArray[Any] = np.asanyarray(values)
    except MemoryError:
        raise
    except Exception as error:
        raise TypeError(f"column {shown(name)} cannot be read as an array: {message_of(error)}") from None
    if array.dtype.kind == "V" and array.dtype.names is None and array.dtype.itemsize <= 2:
        # ml_dtypes' types, as jax has them: numpy takes them for bytes.
        array = array.astype(np.float32)
    return array
