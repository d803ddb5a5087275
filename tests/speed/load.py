"""A closed-loop load generator for loopback: a few connections, each sends its next request on an answer."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import uvloop


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """What a load run saw.

    Attributes:
        requests_per_second: Answered with status 2xx.
        latencies_ms: Of every request, sorted.
        body_bytes: Mean size of an answer.
        errors: Answers with another status.
    """

    requests_per_second: float
    latencies_ms: Sequence[float]
    body_bytes: float
    errors: int

    def percentile(self, share: float) -> float:
        """A percentile of the latencies, milliseconds."""
        return float(np.percentile(self.latencies_ms, 100 * share))


def drive(port: int, path: str, bodies: Sequence[object], *, connections: int = 8) -> LoadResult:
    """Send every body once as POST over keep-alive connections to 127.0.0.1; the first tenth warms up.

    Args:
        port: Of the server.
        path: Of the route.
        bodies: JSON documents; None sends a GET.
        connections: Open at once.
    """
    requests = [_request(path, body) for body in bodies]
    warm, timed = requests[: len(requests) // 10], requests[len(requests) // 10 :]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_drive(port, warm, connections))
        return runner.run(_drive(port, timed, connections))


def _request(path: str, body: object) -> bytes:
    if body is None:
        return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    content = json.dumps(body, ensure_ascii=False).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


async def _drive(port: int, requests: Sequence[bytes], connections: int) -> LoadResult:
    queue = iter(requests)
    latencies: list[float] = []
    sizes: list[int] = []
    statuses: list[int] = []

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
        for request in queue:
            began = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            if length:
                await reader.readexactly(length)
            latencies.append(1e3 * (time.perf_counter() - began))
            sizes.append(length)
            statuses.append(int(head[9:12]))
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(connections)))
    wall = time.perf_counter() - began
    good = sum(200 <= s < 300 for s in statuses)
    return LoadResult(
        requests_per_second=good / wall,
        latencies_ms=sorted(latencies),
        body_bytes=float(np.mean(sizes)) if sizes else 0.0,
        errors=len(statuses) - good,
    )
