"""What `cascade_sampler.viscy` is made of."""
