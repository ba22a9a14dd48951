"""The use cases of reports: dashboards, profiles, questions, and the comparison with the ledger."""
