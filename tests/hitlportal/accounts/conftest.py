"""A person who signs in, and no memory of earlier attempts."""

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache

from tests.hitlportal.accounts.signing_in import PASSWORD


@pytest.fixture(autouse=True)
def forgotten_attempts(db):
    cache.clear()


@pytest.fixture
def manager():
    return User.objects.create_user("maria", password=PASSWORD, is_staff=True)
