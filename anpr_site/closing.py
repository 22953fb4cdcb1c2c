"""Makes the server close a WebSocket when the application says so, and not when the client next speaks.

granian (2.8) holds back a close while somebody waits for the client's next message, as Channels always does:
who was to be cut off would have stayed. And it raises where ASGI asks that sending to a client who left does
nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Receive, Send], Awaitable[None]]


def closing(application: Application) -> Application:
    """The application, behind a wait that ends when it closes; it is then told that the client has gone."""

    async def wrapped(scope: Any, receive: Receive, send: Send) -> None:
        waiting: asyncio.Future[Message] | None = None
        closed: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

        async def listen() -> Message:
            nonlocal waiting
            if closed.done():
                return closed.result()
            waiting = asyncio.ensure_future(receive())
            try:
                await asyncio.wait({waiting})
            finally:
                waiting.cancel()
            return await closed if waiting.cancelled() else waiting.result()

        async def say(message: Message) -> None:
            closes = message["type"] == "websocket.close"
            if closes and waiting and not waiting.done():
                waiting.cancel()
                await asyncio.wait({waiting})
            with suppress(RuntimeError):
                await send(message)
            if closes and not closed.done():
                closed.set_result({"type": "websocket.disconnect", "code": message.get("code", 1000)})

        await application(scope, listen, say)

    return wrapped
