"""Signing in through an identity provider (OpenID Connect), and which roles that gives."""
