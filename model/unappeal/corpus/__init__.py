"""Corpora on disk: finding shards, reading and writing them, running a job over them, counting what happened.

Nothing here knows how blocks are classified: a `Job` is given the records of a chunk and gives bytes back.
"""
