"""Signing in with a password, as a browser does it."""

LOGIN = "/accounts/login/"
PASSWORD = "correct horse"


def sign_in(client, password=PASSWORD, username="maria", **data):
    return client.post(LOGIN, {"login": username, "password": password, **data})
