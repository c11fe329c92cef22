"""Demo mode: a synthetic history, and tasks that progress in real time."""
