"""Private mail servers for tests, and clients for them. See ../stack."""
