"""What a table says, kept apart from what samplers want of it.

`index` is the class that users have. `build` makes the core's index of a table, `sources` takes what is read piece by
piece, and `files` reads parquet files so. `facts` is what an index knows beside its rows, `metadata` writes that into a
file and reads it back, `labels` does so for labels, and `digests` tells rows of two tables apart.
"""
