"""Threads that compute answers while others are asked for, and stop when nobody waits for one any more."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event
from typing import TYPE_CHECKING, Any, TypeVar

from visualizer.attention import Unwanted, while_wanted

if TYPE_CHECKING:
    from starlette.types import Receive

Made = TypeVar("Made")


class Workers:
    """Two threads for what a pointer asks for, and some, half of the processors, for what takes long."""

    def __init__(self) -> None:
        self._quick = ThreadPoolExecutor(2, "visualizer-quick")
        self._slow = ThreadPoolExecutor(max(1, (os.cpu_count() or 2) // 2), "visualizer-slow")
        self._closing = Event()

    async def answer(self, receive: Receive, make: Callable[[], Made], *, quick: bool) -> Made | None:
        """Return what is made in a thread; None if the client leaves or the server stops before.

        What waits for a thread is then never begun, what runs stops before its next block of rows.
        """
        given_up = Event()

        def work() -> Made:
            with while_wanted(lambda: not (given_up.is_set() or self._closing.is_set())):
                return make()

        if self._closing.is_set():
            return None
        pool = self._quick if quick else self._slow
        made: asyncio.Future[Made] = asyncio.get_running_loop().run_in_executor(pool, work)
        gone: asyncio.Future[None] = asyncio.create_task(_client_left(receive))
        either: list[asyncio.Future[Any]] = [made, gone]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            with suppress(Unwanted):
                return made.result() if made.done() and not made.cancelled() else None
        finally:
            given_up.set()
            made.cancel()
            gone.cancel()
        return None

    def close(self) -> None:
        """Give up what runs and what waits."""
        self._closing.set()
        for pool in (self._quick, self._slow):
            pool.shutdown(wait=False, cancel_futures=True)


async def _client_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
