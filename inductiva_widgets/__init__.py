"""Run simulations and watch them live in a notebook."""
