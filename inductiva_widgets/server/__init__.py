"""The embedded server: the service's HTTP API on local processes.

Three kinds of processes take part. The *server* (``serve``) keeps tasks in a store and answers
requests. Each running task has a *supervisor* of its own, which outlives the server and writes a
journal of what happens. The *commands* of a simulation are children of their supervisor.

Needs the extra ``local``. The client imports ``launch`` only, which works without it.
"""
