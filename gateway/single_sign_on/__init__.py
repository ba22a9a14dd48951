"""Single sign-on: people who show who they are at an OpenID Connect provider of their company."""
