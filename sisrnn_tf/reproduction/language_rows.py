"""Rows of Table 3, language."""

from typing import Any

from sisrnn_tf.reproduction.plan import Row
from sisrnn_tf.reproduction.rows import TINY, make_row

_WRITERS = {
    "vae_lstm": ("VAE-LSTM", "vae_lstm", "linear", 1.0),
    "cyclic_vae": ("Cyclic-VAE", "vae_lstm", "cyclical", 1.0),
    "vae_transformer": ("VAE-Transformer", "vae_transformer", "linear", 1.2),
    "sa_vae": ("SA-VAE", "sa_vae", "linear", 6.0),
    "sisrnn": ("SIS-RNN", "sentence_sisrnn", "cyclical", 1.3),
}
# What the numbers are of; options of all rows; data set -> folder below the user's, and its name in the paper.
_LANGUAGE: dict[str, tuple[str, dict[str, Any], dict[str, tuple[str | None, str]]]] = {
    "smoke": (
        "Tiny models after two epochs on Python's help topics: these numbers show that the machinery works, and have "
        "nothing to do with the paper's. SA-VAE takes 2 steps of refinement for 20.",
        {**TINY, "max_length": 12},
        {"pydoc": (None, "PTB")},
    ),
    "cpu": (
        "Penn Treebank, one latent a sentence, embeddings of 128, GRU 256, Z 32, transformer of 3 blocks and 8 heads "
        "or LSTM 256, dropout 0.2, Adam 1e-3, 3 epochs, K from 1 to 10 over 2; KL weight linear or cyclical, as each "
        "model's authors have it. SA-VAE takes 4 steps of refinement of 0.15 for 20 of 1/32, of which each would cost "
        "as much as a step of VAE-LSTM and a half; with them a run takes about six times as long as one of VAE-LSTM.",
        {
            "hidden_size": 256,
            "encoder_sizes": (128, 128, 128),
            "embedding_size": 128,
            "lstm_size": 256,
            "refinement_steps": 4,
            "refinement_rate": 0.15,
            "dropout": 0.2,
            "learning_rate": 1e-3,
            "epochs": 3,
            "num_mixing": 10,
            "num_mixing_ramp_epochs": 2,
        },
        {"ptb": ("ptb", "PTB")},
    ),
    "paper": (
        "Penn Treebank and Yahoo Answers, one latent a sentence, the sizes of the published VAE-transformer and "
        "VAE-LSTM, 40 epochs, K from 1 to 100 over 10. SA-VAE has its own paper's sizes, but a GRU for an encoder, and "
        "Adam.",
        {},
        {"ptb": ("ptb", "PTB"), "yahoo": ("yahoo", "Yahoo")},
    ),
}


def make(scale: str) -> tuple[str, list[Row]]:
    """Returns what the numbers are of, in words, and the rows, of a scale of `plans.SCALES`."""
    note, shared, datasets = _LANGUAGE[scale]
    rows = []
    for dataset, (folder, published_data) in datasets.items():
        data = {"dataset": dataset, "binarization": "none", **({} if folder is None else {"data_dir": folder})}
        for name, (label, model, schedule, weight) in _WRITERS.items():
            if published_data == "Yahoo" and name == "cyclic_vae":  # the paper has it of PTB alone
                continue
            options = {**shared, **data, "model": model, "kl_schedule": schedule}
            rows.append(make_row(f"{dataset}_{name}", label, options, (0,), (published_data, label), weight))
    return note, rows
