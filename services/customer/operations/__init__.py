"""The use cases of the customer service: of people (`records`), and of ERPs and imports (`intake`)."""
