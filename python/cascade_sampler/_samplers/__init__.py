"""The batch samplers, and what they are made of."""
