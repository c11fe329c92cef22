"""Runs tasks as batch jobs of a Slurm cluster."""
