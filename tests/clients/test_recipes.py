"""Every recipe in the documentation runs, with the framework that it is for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parent.parent.parent / "docs" / "frameworks.md"
START, *RECIPES = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
NAMES = re.findall(r"^## (.*)$", PAGE.read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)
def test_recipe(recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "recipe"}
    for block in (START, recipe):
        exec(compile(block, str(PAGE), "exec"), names)
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
