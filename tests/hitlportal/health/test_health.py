import pytest
from django.db import connection

from hitlportal.health import health


def test_alive_without_a_database(client):
    response = client.get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok\n")


@pytest.mark.django_db
def test_ready_when_every_part_works(client):
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "parts": {"database": "ok", "migrations": "ok", "broker": "ok"},
    }


@pytest.mark.django_db
def test_pending_migrations_are_told(client):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'hitlportal'")
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["parts"] == {"database": "ok", "migrations": "1 pending", "broker": "ok"}


@pytest.mark.django_db
def test_a_broker_that_is_away_is_told(client, monkeypatch, unused_port):
    away = health.app.connection_for_write(f"redis://127.0.0.1:{unused_port}/0")
    monkeypatch.setattr(health.app, "connection_for_write", lambda: away)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["parts"]["broker"] == "does not answer"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_read_only(client, path):
    assert client.post(path).status_code == 405
