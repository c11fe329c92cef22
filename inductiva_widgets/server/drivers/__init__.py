"""Stand-ins for simulators' own programs, each run as a child process of a supervisor."""
