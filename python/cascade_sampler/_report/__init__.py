"""What batches hold, counted and shown.

`record` is what was counted, and nothing in it is drawn yet: `text`, `contents` with `page` and `figure` draw it, and
`audit` is the record with these as its methods. `count` makes one, with `chance` for what could be expected and
`findings` for what is remarkable. `origins` is about a single batch.
"""
