"""Drivers that run simulator libraries as command-line programs."""
