"""Numbers in the log of a simulation: parsing, decimation, conditions. No I/O."""
