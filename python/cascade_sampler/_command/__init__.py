"""The command `cascade-sampler`."""
