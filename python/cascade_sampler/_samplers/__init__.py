"""The batch samplers.

`base` is what all of them have, `flexible` the one whose batches are VisCy's. `arguments` checks single arguments,
`settings` keeps them, `read_back` shows them as properties, and `kinds` names their types. `plan` puts names to numbers
for the core; `log` and `replacement` say what is worth saying when a sampler is made. The core itself calls `state` for
what a state looks like, and `ranks` for what is known of other processes.
"""
