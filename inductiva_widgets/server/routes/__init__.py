"""The endpoints, by noun: each translates between HTTP and the services, and decides nothing."""
