"""What an engine sends to its workers: how to filter, and the model by name or path, never the model itself."""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from unappeal.blocks import BlockMode
from unappeal.filter import BatchResult, filter_batch


@dataclass(frozen=True, slots=True)
class FilterOptions:
    """The options of `unappeal.filter_text` in a form that pickles small."""

    model: str | None
    max_body_loss: float | None
    max_removed: float
    drop: tuple[str, ...]
    blocks: BlockMode

    @classmethod
    def checked(
        cls,
        model: str | os.PathLike[str] | None,
        max_body_loss: float | None,
        max_removed: float,
        drop: Collection[str],
        blocks: BlockMode,
    ) -> Self:
        """Refuse here, where the job is written, what every worker would refuse later.

        A model's path is made absolute: workers have working directories of their own. Raises as
        `unappeal.filter_text` does, and TypeError for a loaded model.
        """
        if model is not None and not isinstance(model, str | os.PathLike):
            raise TypeError(
                f"model must be the name or path of a model, not a {type(model).__name__}: "
                "workers load it themselves; save it with unappeal.artefact.save_model and give the folder"
            )
        if model is not None:
            model = str(Path(model).resolve()) if Path(model).exists() else str(model)
        labels = (drop,) if isinstance(drop, str) else tuple(map(str, drop))
        options = cls(model, max_body_loss, max_removed, labels, blocks)
        options.filter([""])
        return options

    def filter(self, texts: Sequence[str]) -> BatchResult:
        """Filter texts; the model is loaded when a process first gets here, and kept."""
        return filter_batch(
            texts,
            model=self.model,
            max_body_loss=self.max_body_loss,
            max_removed=self.max_removed,
            drop=self.drop,
            blocks=self.blocks,
        )
