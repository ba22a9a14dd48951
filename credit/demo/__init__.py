"""First steps with data: an invented Chinese company, or a file of real invoices replayed as an ERP would."""
