"""Makes the process green: must be called before anything else is imported that opens sockets."""

from __future__ import annotations

import warnings

_REAL_THREADS = 2


def make_green() -> None:
    """Patch the standard library and psycopg2 so that waiting for I/O yields to other greenthreads."""
    with warnings.catch_warnings():
        # We know: docs/dependencies.md says why eventlet, and ARCHITECTURE why it can be left later.
        warnings.simplefilter("ignore")
        import eventlet

        eventlet.monkey_patch()
        from eventlet import tpool

        # Each thread keeps the 19 MB that a password's hash took there: twenty of them, eventlet's default,
        # would hold 300 MB for good.
        tpool.set_num_threads(_REAL_THREADS)
    from psycogreen.eventlet import patch_psycopg

    patch_psycopg()
