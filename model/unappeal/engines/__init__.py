"""Filters for the engines that large corpora run on; each module needs the extra of its name."""
