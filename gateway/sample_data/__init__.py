"""The sample company: made by one click in an installation without customers, and removed by one click."""
