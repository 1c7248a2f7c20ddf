"""A whole life of proposals through PgBouncer in transaction mode, which gives each transaction another connection."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.db.utils import load_backend

from approvals.lifecycle import review
from approvals.models import Proposal, State
from approvals.shipping import claims, dispatches
from hitlportal.embedded.base import ENGINE
from hitlportal.embedded.placement import place
from tests import world as worlds
from tests.approvals.races import race
from tests.proofs import assert_invariants_hold
from tests.world import World, limit, seen

PGBOUNCER = shutil.which("pgbouncer")
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(PGBOUNCER is None, reason="PgBouncer is not installed"),
]
CLIENTS, CONNECTIONS, ROUNDS = 4, 2, 5
PORT = 6432


@pytest.fixture
def pooler() -> Iterator[dict[str, Any]]:
    """Give the settings of a database behind PgBouncer: more clients than it has connections."""
    if connection.settings_dict["ENGINE"] != ENGINE:
        pytest.skip("PgBouncer stands before the embedded PostgreSQL here")
    connection.ensure_connection()
    settings = connection.settings_dict
    with tempfile.TemporaryDirectory(prefix="pooler-") as name:
        folder = Path(name)
        folder.chmod(0o777)
        lines = [
            "[databases]",
            f"* = host={settings['HOST']} user={settings['USER']}",
            "[pgbouncer]",
            "listen_addr =",
            f"listen_port = {PORT}",
            f"unix_socket_dir = {folder}",
            "auth_type = any",
            "pool_mode = transaction",
            f"default_pool_size = {CONNECTIONS}",
        ]
        if (user := place(Path(settings["FOLDER"])).user) is not None:  # neither runs as root
            lines.append(f"user = {user.pw_name}")
        (folder / "pgbouncer.ini").write_text("\n".join(lines))
        process = subprocess.Popen([str(PGBOUNCER), "--quiet", str(folder / "pgbouncer.ini")])
        try:
            deadline = time.monotonic() + 60
            while not (folder / f".s.PGSQL.{PORT}").exists():
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
            yield {
                **settings,
                "ENGINE": "hitlportal.database",
                "HOST": str(folder),
                "PORT": PORT,
                "DISABLE_SERVER_SIDE_CURSORS": True,
            }
        finally:
            process.terminate()
            process.wait(10)


def live(world: World, number: int) -> None:
    """Propose, approve and ship one."""
    proposal = world.propose("email.now", targets=(f"lead:{number % 7}", f"lead:{number}"))
    review.decide(proposal_id=proposal.pk, seen=seen(proposal), by=world.owner, verdict="approve")
    while (claim := claims.claim_next(worker=f"worker-{number}", kind="webhook")) is not None:
        dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={}, http_status=200)


def test_proposals_live_behind_a_pooler_in_transaction_mode(pooler):
    world = worlds.build()
    world.surface("email.now", "single")
    world.enforce(limits={"many": limit(limit=1_000)})
    numbers, backends = count(), set()

    def contend(_round: int) -> None:
        wrapper = load_backend(pooler["ENGINE"]).DatabaseWrapper(pooler, alias="default")
        connections["default"], own = wrapper, connections["default"]
        try:
            live(world, next(numbers))
            for _ in range(3):
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute("SELECT pg_backend_pid()")
                    backends.add(cursor.fetchone())
        finally:
            wrapper.close()
            connections["default"] = own

    race(ROUNDS, *[contend] * CLIENTS)
    assert len(backends) <= CONNECTIONS
    assert set(Proposal.objects.values_list("state", flat=True)) == {State.SHIPPED}
    assert Proposal.objects.count() == ROUNDS * CLIENTS
    assert_invariants_hold()
