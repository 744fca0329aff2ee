"""What a plan of the core says of its batches: read by the log when a sampler is made, and by the audit.

`composition` holds the seats of a batch against what was asked for.
"""
