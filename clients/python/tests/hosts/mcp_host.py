"""A host of MCP tools, once with the official SDK and once with fastmcp; it prints what it was told, as JSON."""

import asyncio
import json
import os

import httpx2
from fastmcp import Client as FastClient
from fastmcp.client.transports import StreamableHttpTransport
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

URL = os.environ["HITL_PORTAL_URL"] + "/mcp/"
KEY = os.environ["HITL_PORTAL_KEY"]
SENT = {"title": "Resize", "payload": {"size": 5}}


async def work(client) -> dict:
    tools = await client.list_tools()
    names = sorted(tool.name for tool in getattr(tools, "tools", tools))
    made = await client.call_tool("crm_segments__resize", SENT)
    again = await client.call_tool("crm_segments__resize", SENT)
    shown = getattr(made, "structured_content", None)
    looked = await client.call_tool("get_proposal", {"id": shown["id"]})
    return {
        "names": names,
        "told": made.content[0].text,
        "same": getattr(again, "structured_content", None)["id"] == shown["id"],
        "state": getattr(looked, "structured_content", None)["state"],
    }


async def official() -> dict:
    http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {KEY}"}, timeout=30)
    async with http, Client(streamable_http_client(URL, http_client=http)) as client:
        return {**await work(client), "version": client.protocol_version}


async def fast() -> dict:
    async with FastClient(StreamableHttpTransport(URL, headers={"Authorization": f"Bearer {KEY}"})) as client:
        return await work(client)


print(json.dumps({"mcp": asyncio.run(official()), "fastmcp": asyncio.run(fast())}))  # noqa: T201
