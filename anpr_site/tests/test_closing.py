"""A WebSocket is closed when the application says so, though it waits for the client at the same time."""

import asyncio
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from anpr_site.closing import Message, Receive, Send, closing


class Server:
    """As granian: it closes only while nobody waits for a message, and raises when the client is gone."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[Message] = asyncio.Queue()
        self.sent: list[Message] = []
        self.gone = False
        self._reading = asyncio.Lock()

    async def receive(self) -> Message:
        async with self._reading:
            return await self.said.get()

    async def send(self, message: Message) -> None:
        if self.gone:
            raise RuntimeError("ASGI flow error: Transport closed")
        if message["type"] == "websocket.close":
            async with self._reading:
                self.gone = True
        self.sent.append(message)


def test_a_close_does_not_wait_for_the_client_and_the_application_hears_of_it() -> None:
    heard: list[Message] = []

    async def application(_scope: Any, receive: Receive, send: Send) -> None:
        waiting = asyncio.ensure_future(receive())
        await asyncio.sleep(0.01)
        await send({"type": "websocket.close", "code": 4403})
        heard.append(await waiting)
        await send({"type": "websocket.send", "text": "too late"})
        heard.append(await receive())

    async def scenario() -> None:
        server = Server()
        await asyncio.wait_for(closing(application)({}, server.receive, server.send), 2)
        assert server.sent == [{"type": "websocket.close", "code": 4403}]

    async_to_sync(scenario)()
    assert heard == [{"type": "websocket.disconnect", "code": 4403}] * 2


def test_messages_pass_and_whoever_stops_waiting_leaves_no_wait_behind() -> None:
    async def application(_scope: Any, receive: Receive, send: Send) -> None:
        assert await receive() == {"type": "websocket.receive", "text": "hello"}
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(receive(), 0.01)
        await send({"type": "websocket.close"})

    async def scenario() -> None:
        server = Server()
        server.said.put_nowait({"type": "websocket.receive", "text": "hello"})
        await asyncio.wait_for(closing(application)({}, server.receive, server.send), 2)
        assert server.gone

    async_to_sync(scenario)()
