"""All tests. A package, so that none of the same name that some library installs is taken for it."""
