"""Telling people: a list in the suite, and a mail."""
