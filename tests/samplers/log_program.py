"""What torchrun runs in test_log: every process makes a sampler that there is something to say about."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import numpy as np
from torch import distributed

from cascade_sampler import FlexibleBatchSampler


def main(folder: Path) -> None:
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logging.getLogger("cascade_sampler").addHandler(handler)
    table = {"experiment": np.arange(40) % 4, "condition": np.arange(40) % 2}
    # Before there is a group, and in one.
    FlexibleBatchSampler(table, 20)
    distributed.init_process_group("gloo")
    FlexibleBatchSampler(table, 20, num_replicas=None, rank=None)
    rank = distributed.get_rank()
    (folder / f"rank{rank}.txt").write_text("\n".join(lines))
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
