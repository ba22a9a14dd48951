"""The gateway: the HTTP API in front of the services, and who may use it."""
