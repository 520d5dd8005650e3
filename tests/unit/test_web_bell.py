"""The bell between the writer's thread and the event loop."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future

import pytest

from yutang.web.bell import Bell


def test_many_answers_ring_once_and_reach_each_waiter(monkeypatch: pytest.MonkeyPatch) -> None:
    bell, futures, rings = Bell(), [Future[int]() for _ in range(100)], []

    async def ask() -> list[int | BaseException]:
        loop = asyncio.get_running_loop()
        waiters = asyncio.gather(*(bell.wait(future) for future in futures), return_exceptions=True)
        await asyncio.sleep(0)
        ring = loop.call_soon_threadsafe
        monkeypatch.setattr(loop, "call_soon_threadsafe", lambda *a: (rings.append(a), ring(*a)))
        for n, future in enumerate(futures[1:], 1):
            future.set_result(n)
        futures[0].set_exception(KeyError("first"))
        return await asyncio.wait_for(waiters, 10)

    first, *others = asyncio.run(ask())
    assert isinstance(first, KeyError)
    assert others == list(range(1, 100))
    assert len(rings) == 1


def test_a_loop_that_ended_unheard_does_not_silence_the_next() -> None:
    bell, late = Bell(), Future[int]()
    late.set_running_or_notify_cancel()

    async def give_up() -> None:
        task = asyncio.create_task(bell.wait(late))
        await asyncio.sleep(0)
        late.set_result(1)
        task.cancel()

    asyncio.run(give_up())
    done = Future[int]()
    done.set_result(2)
    assert asyncio.run(asyncio.wait_for(bell.wait(done), 10)) == 2


def test_a_waiter_who_leaves_takes_back_what_has_not_begun() -> None:
    bell, waiting = Bell(), Future[int]()

    async def leave() -> None:
        task = asyncio.create_task(bell.wait(waiting))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(leave())
    assert waiting.cancelled()
