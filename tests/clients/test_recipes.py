"""Every recipe in the documentation runs, with the framework that it is for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGES = sorted((Path(__file__).parent.parent.parent / "docs" / "frameworks").glob("*.md"))


def recipes():
    """Yield the first block of each page, which all go by, with each of the others."""
    for page in PAGES:
        text = page.read_text()
        start, *blocks = re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
        names = re.findall(r"^## (.*)$", text, flags=re.MULTILINE)
        for name, block in zip(names, blocks, strict=True):
            yield pytest.param(page, start, block, id=f"{page.stem}: {name}")


def test_there_are_pages():
    assert len(PAGES) >= 8


@pytest.mark.parametrize(("page", "start", "recipe"), recipes())
def test_recipe(page, start, recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "recipe"}
    for block in (start, recipe):
        exec(compile(block, str(page), "exec"), names)
    if "OurTrainer" in names:
        use(names["OurTrainer"], names["dataset"], tmp_path)


def use(trainer, dataset, folder):
    """Train a little model with the Trainer that the recipe defines."""
    import torch
    from transformers import TrainingArguments

    class Model(torch.nn.Module):
        seen = 0

        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)

        def forward(self, rows):
            Model.seen += len(rows)
            return {"loss": self.layer(rows).mean()}

    arguments = TrainingArguments(
        folder, use_cpu=True, report_to=[], num_train_epochs=2, remove_unused_columns=False, save_strategy="no"
    )
    collate = lambda rows: {"rows": torch.stack([row for (row,) in rows])}  # noqa: E731
    trainer(Model(), arguments, train_dataset=dataset, data_collator=collate).train()
    assert Model.seen == 2 * 600
