"""The use cases of the limit ledger, by what they are about."""
