"""The gate pins what the model does on documents it has not met; this, that it has not met them."""

from unappeal_training.dataset import block_key, read_authored
from unappeal_training.gate import UNSEEN_DIR

LONG_CHARS = 40
"""Shorter lines ("Read also:") may stand anywhere."""


def test_no_line_of_them_is_trained_on() -> None:
    documents = read_authored(UNSEEN_DIR)
    trained = {block_key(block) for document in read_authored() for block in document.blocks}
    again = [b for d in documents for b in d.blocks if len(b) >= LONG_CHARS and block_key(b) in trained]
    assert (len(documents), again) == (84, [])
