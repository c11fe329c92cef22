"""The wire protocol against the vendor's own client, which was written by somebody else."""
