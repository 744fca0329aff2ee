"""Tables of any library, as the core takes them.

From the bottom up: `libraries` (whose object is this), `labels` (equality, order, text), `joined` (texts in memory),
`codes` (a column as numbers); `arrays`, `arrow` and `columns` (each library's columns as codes) and `times` (as
hours); `keys` (labels in order); `open` (which kind of table this is); `rows` (all that a sampler reads of it).
Beside them `files` reads files for the command, and `frames` gives columns back in the user's library.
"""
