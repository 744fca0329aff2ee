"""No client may reach for the network, or tell anyone of this run."""

from __future__ import annotations

import os

os.environ.update(
    HF_HUB_OFFLINE="1",
    TRANSFORMERS_OFFLINE="1",
    HF_DATASETS_OFFLINE="1",
    HF_HUB_DISABLE_TELEMETRY="1",
    DO_NOT_TRACK="1",
    RAY_USAGE_STATS_ENABLED="0",
    WANDB_DISABLED="true",
    TOKENIZERS_PARALLELISM="false",
    OMP_NUM_THREADS="1",
)
CLIENTS = [
    "torch",
    "torchdata",
    "lightning",
    "accelerate",
    "transformers",
    "sentence-transformers",
    "datasets",
    "anndata",
    "monai",
    "ray",
    "numpy",
]


def pytest_report_header():
    """Name the versions that are tested."""
    from importlib.metadata import version

    return ", ".join(f"{name} {version(name)}" for name in CLIENTS)
