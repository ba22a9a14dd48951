"""Bringing tables of records in, whatever they are records of: one mechanism for every service.

`reading` makes plain lines of an uploaded file, `columns` finds what each of its columns means, `jobs` are
the use cases, `worker` does the work in the background, `store` and `model` keep where it stands. What the
records are, a service says with its `Target`.
"""
