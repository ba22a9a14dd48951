"""The use cases of flows, by what they are about."""
