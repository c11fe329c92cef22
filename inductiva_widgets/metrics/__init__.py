"""Parse, decimate and check numbers that a simulation prints. No I/O."""
