"""Training of unappeal's models: data, splits, fits, evaluation and the quality gate."""
