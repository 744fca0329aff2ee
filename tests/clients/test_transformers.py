"""The Trainers of transformers and sentence-transformers, with models made here."""

from __future__ import annotations

import datasets
import numpy as np
import pytest
import torch
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.losses import MultipleNegativesRankingLoss
from sentence_transformers.models import StaticEmbedding
from tokenizers import Tokenizer, models, pre_tokenizers
from torch.utils.data import DataLoader
from transformers import Trainer, TrainingArguments

from cascade_sampler import FlexibleBatchSampler
from cascade_sampler.sentence_transformers import batch_sampler
from rows import ROWS, TABLE, Rows, globally, make, make_dealt, numbers

TOTAL = 15
EXPECTED = [globally(epoch)[:TOTAL] for epoch in range(3)]


class Model(torch.nn.Module):
    """Notes what it was fed."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
        self.seen = []

    def forward(self, rows):
        self.seen.append(numbers(rows))
        return {"loss": self.layer(rows / 1000).mean()}


class OurTrainer(Trainer):
    """Brings its own batch sampler, as the documentation says."""

    def get_train_dataloader(self):
        loader = DataLoader(
            self.train_dataset,
            batch_sampler=make(),
            collate_fn=self.data_collator,
            num_workers=self.args.dataloader_num_workers,
        )
        return self.accelerator.prepare(loader)


def quiet(kind, folder, **arguments):
    return kind(
        output_dir=folder,
        use_cpu=True,
        report_to=[],
        disable_tqdm=True,
        logging_strategy="no",
        num_train_epochs=3,
        **arguments,
    )


@pytest.mark.parametrize("workers", [0, 2])
def test_trainer_and_its_resume(tmp_path, workers):
    def train(start=None):
        model = Model()
        arguments = quiet(
            TrainingArguments, tmp_path, save_steps=5, remove_unused_columns=False, dataloader_num_workers=workers
        )
        trainer = OurTrainer(
            model, arguments, train_dataset=Rows(), data_collator=lambda rows: {"rows": torch.stack(rows)}
        )
        trainer.train(resume_from_checkpoint=start)
        return model.seen

    whole = [batch for epoch in EXPECTED for batch in epoch]
    assert train() == whole
    for step in (20, 30):
        assert train(str(tmp_path / f"checkpoint-{step}")) == whole[step:]


def sentence_model():
    words = {"[UNK]": 0, **{f"w{row}": row + 1 for row in range(ROWS)}}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=4)], device="cpu")


class NotingLoss(MultipleNegativesRankingLoss):
    """Notes which rows a batch is made of, and how many columns reached the model."""

    def forward(self, features, labels):
        self.__dict__.setdefault("seen", []).append((features[0]["input_ids"] - 1).tolist())
        self.__dict__["columns"] = len(features)
        return super().forward(features, labels)


def pairs(**columns):
    words = [f"w{row}" for row in range(ROWS)]
    return datasets.Dataset.from_dict({"anchor": words, "positive": words, **columns})


def train_sentences(folder, dataset, chosen, start=None, **arguments):
    model = sentence_model()
    loss = NotingLoss(model)
    given = {
        "per_device_train_batch_size": 32,
        "dataloader_drop_last": True,
        "seed": 5,
        "save_steps": 5,
        **arguments,
    }
    given = quiet(SentenceTransformerTrainingArguments, folder, batch_sampler=chosen, **given)
    SentenceTransformerTrainer(model, given, train_dataset=dataset, loss=loss).train(resume_from_checkpoint=start)
    return loss


def test_sentence_transformers(tmp_path):
    whole = [batch for epoch in EXPECTED for batch in epoch]
    loss = train_sentences(tmp_path, pairs(), batch_sampler(table=TABLE, leaky=0.2))
    assert (loss.seen, loss.columns) == (whole, 2)
    loss = train_sentences(
        tmp_path, pairs(), batch_sampler(table=TABLE, leaky=0.2), str(tmp_path / "checkpoint-20"), save_strategy="no"
    )
    assert loss.seen == whole[20:]
    # Columns of the dataset are read as well, and reach the model.
    texts = {name: [str(value) for value in values] for name, values in TABLE.items()}
    loss = train_sentences(tmp_path, pairs(**texts), batch_sampler(leaky=0.2), save_strategy="no")
    assert (loss.seen, loss.columns) == (whole, 4)


def test_dealt_sentences(tmp_path):
    whole = [batch for epoch in range(3) for batch in make_dealt().epoch_batches(epoch).tolist()]
    chosen = batch_sampler(
        table=TABLE, dealt=True, experiment_key="experiment", condition_key="condition", leaky=0.2, num_batches=15
    )
    assert repr(chosen).endswith("batch_sampler(dealt=True, experiment_key, condition_key, leaky, num_batches)")
    assert train_sentences(tmp_path, pairs(), chosen).seen == whole
    resumed = train_sentences(tmp_path, pairs(), chosen, str(tmp_path / "checkpoint-20"), save_strategy="no")
    assert resumed.seen == whole[20:]


def test_what_the_factory_refuses():
    with pytest.raises(TypeError, match="batch_size, rank must not be given: the trainer decides"):
        batch_sampler(batch_size=3, rank=0)
    with pytest.raises(TypeError, match="dealt must be True or False"):
        batch_sampler(dealt=1)
    with pytest.raises(ValueError, match="table has 500 rows, and the dataset 9"):
        batch_sampler(table=TABLE)(pairs().select(range(9)), batch_size=4, drop_last=True)
    sampler = batch_sampler(table=TABLE, seed=8)(pairs(), batch_size=4, drop_last=False, seed=3, generator=None)
    assert (sampler.seed, sampler.drop_last, sampler.batch_size) == (8, False, 4)
    assert isinstance(next(iter(sampler)), list)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data,
        lambda data: data.select(range(100, 400, 3)),
        lambda data: data.filter(lambda row: row["experiment"] != "1"),
        lambda data: data.shuffle(seed=3),
        lambda data: data.shuffle(seed=3).select(range(150)).filter(lambda row: row["condition"] != "0"),
        lambda data: datasets.concatenate_datasets([data.select(range(90)), data.select(range(200, 300))]),
        lambda data: data.with_format("torch"),
        lambda data: data.class_encode_column("condition"),
    ],
)
def test_hugging_face_datasets_are_tables(change):
    texts = {name: [str(value) for value in values] for name, values in TABLE.items()}
    dataset = change(datasets.Dataset.from_dict({**texts, "row": list(range(ROWS))}))
    plain = {name: list(dataset.with_format(None)[name]) for name in texts}
    for name in texts:
        if isinstance(dataset.features[name], datasets.ClassLabel):
            # Its classes go by their names, as everywhere else in datasets.
            plain[name] = dataset.features[name].int2str(plain[name])
    sampler = FlexibleBatchSampler(dataset, batch_size=20, leaky=0.2)
    expected = FlexibleBatchSampler(plain, batch_size=20, leaky=0.2)
    assert sampler.experiments == expected.experiments and sampler.conditions == expected.conditions
    assert [batch.tolist() for batch in sampler] == [batch.tolist() for batch in expected]
    for batch, rows in zip(DataLoader(dataset.with_format("torch"), batch_sampler=sampler), expected, strict=True):
        assert batch["row"].tolist() == np.array(dataset.with_format(None)["row"])[rows].tolist()


def test_what_is_no_table_of_rows():
    with pytest.raises(TypeError, match="a Hugging Face Dataset"):
        FlexibleBatchSampler(pairs().to_iterable_dataset(), batch_size=4)
    with pytest.raises(KeyError, match="'nowhere'"):
        FlexibleBatchSampler(pairs(**TABLE), batch_size=4, experiment_key="nowhere")
