"""The audit trail: who did what, when and from where, in one chain that only grows."""
