"""What a library does in each client, beside what the mesh does once: one file per task, and the measurement of both.

`discovery`, `balancing`, `retries`, `breaker`, `tracing` and `mtls` are all that a client in Python needs for the task;
each further language needs its own. `client` makes calls with some of them, `callee` answers, `compare` runs both.
"""
