"""MCP hosts of other people's against the portal, in the environment that CLIENT_PYTHON names: `make test-clients`."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from approvals.models import Proposal
from policies.registry import agents
from tests import world as worlds

HOST = Path(__file__).resolve().parent.parent.parent / "clients" / "python" / "tests" / "hosts" / "mcp_host.py"


@pytest.mark.django_db(transaction=True)
def test_two_hosts_propose_through_the_tools_of_a_surface(live_server: LiveServer):
    world = worlds.build()
    world.surface("crm.segments")
    world.enforce(rules={"look": worlds.rule(surfaces=["crm.segments"], actions=["resize"])})
    key = agents.issue_key(agent=world.agent, by=None).text
    environment = {**os.environ, "HITL_PORTAL_URL": live_server.url, "HITL_PORTAL_KEY": key}
    ran = subprocess.run(
        [os.environ["CLIENT_PYTHON"], HOST], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    for host in ("mcp", "fastmcp"):
        assert {"propose", "evaluate", "get_proposal", "crm_segments__resize"} <= set(told[host]["names"])
        assert "has not been done" in told[host]["told"] and told[host]["same"] and told[host]["state"] == "pending"
    assert told["mcp"]["version"] == "2025-11-25"
    assert Proposal.objects.count() == 1
