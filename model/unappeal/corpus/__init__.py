"""Corpora on disk: finding shards, reading and writing them, running a job over them, counting what happened.

Nothing here knows how blocks are classified: a job is given the records of a chunk and gives bytes back. A shard
is read as `Chunk`s of bytes (`formats`), these go through a pool of workers that parse them, run the job and give
bytes in the output's format (`pool`), and what comes back is written in order to files that get their names when
they are whole (`output`).
"""
