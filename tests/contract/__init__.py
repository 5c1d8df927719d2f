"""Recorded conversations with the server that this one replaces, replayed in process.

`recordings/` holds one scenario a file: rows to start from, requests, answers and what changed in
the database. `test_replay` sends the steps to the application that `bootstrap` builds, on SQLite
and on MariaDB, with a clock that only moves when a scenario says so, and tells every difference.
A step whose route the application does not have is not sent: its recorded effects are made to
happen, so that later steps find what they expect. Every other module is part of the replay or a
test of it.

    REPLAY_ONLY='agent-*' pytest tests/contract/test_replay.py
"""
