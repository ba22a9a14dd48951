"""Use cases: applications, the forms that people define, and the records of those."""
