"""Getting in: passwords, second factors, single sign-on, sessions, and what failed attempts cost."""
