"""A small server that speaks the Hugging Face Hub's routes, and small models for it to serve.

Routes (those that `huggingface_hub` 2.4 uses for models):
    GET  /api/models/{id}[/revision/{revision}]     commit, files, sizes, hashes of large files
    GET  /{id}/resolve/{revision}/{file}            content, whole or from a byte on (Range)
    HEAD /{id}/resolve/{revision}/{file}            size, ETag and commit alone
"""

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import numpy as np
from safetensors.numpy import save

from models_registry.entry import ModelEntry

COMMIT = "c0ffee" + "0" * 34
_INFO = re.compile(r"/api/models/(?P<id>[^/]+/[^/]+)(?:/revision/(?P<revision>[^/]+))?")
_FILE = re.compile(r"/(?P<id>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<name>.+)")
_LARGE_BYTES = 1000
"""Files of at least this size are announced as large-file storage, with their sha256."""


@dataclass(slots=True, kw_only=True)
class Repo:
    """One model on the server, and how the server misbehaves about it.

    Attributes:
        files: Content by name, in memory or on disk.
        commit: Its only commit, which is also its branch `main`.
        gated: Refuse files and listing as the Hub refuses those of gated models.
        silent: Take the request and never answer.
        cut_after: Byte after which the connection is closed, once a file.
        stall_after: Byte after which the server falls silent, once a file.
        announced_sha256: Hash to announce for large files instead of the true one.
    """

    files: Mapping[str, bytes | Path]
    commit: str = COMMIT
    gated: bool = False
    silent: bool = False
    cut_after: int | None = None
    stall_after: int | None = None
    announced_sha256: str | None = None
    interrupted: set[str] = field(default_factory=set)

    def read(self, name: str) -> bytes:
        """Content of one file."""
        content = self.files[name]
        return content.read_bytes() if isinstance(content, Path) else content


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client asked for."""

    method: str
    path: str
    start: int
    """First byte that was asked for."""


class FakeHub:
    """A running server.

    Attributes:
        repos: Models by id; may be changed while it runs.
        requests: All requests so far, in order.
        endpoint: Its address.
    """

    def __init__(self, port: int) -> None:
        self.repos: dict[str, Repo] = {}
        self.requests: list[Request] = []
        self.endpoint = f"http://127.0.0.1:{port}"
        self.closing = threading.Event()

    def downloads_of(self, name: str) -> list[Request]:
        """The requests for the content of one file."""
        return [r for r in self.requests if r.method == "GET" and r.path.endswith(f"/{name}")]


@contextmanager
def running_hub() -> Iterator[FakeHub]:
    """A server on a free port of the loopback interface, stopped on leaving."""

    class Handler(_Handler):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Handler.hub = hub = FakeHub(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: ClassVar[FakeHub]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Says nothing."""

    def _answer(self, *, body: bool) -> None:
        path = self.path.partition("?")[0]
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").partition("-")[0])
        self.hub.requests.append(Request(method=self.command, path=path, start=start))
        info, file = _INFO.fullmatch(path), _FILE.fullmatch(path)
        found = info or file
        repo = self.hub.repos.get(found["id"]) if found else None
        if found is None or repo is None:
            self._refuse(404, "RepoNotFound")
        elif repo.silent:
            self.hub.closing.wait()
            self.close_connection = True
        elif repo.gated:
            self._refuse(403, "GatedRepo")
        elif found["revision"] not in {None, "main", repo.commit}:
            self._refuse(404, "RevisionNotFound")
        elif info:
            self._send(200, json.dumps(_listing(info["id"], repo)).encode(), {}, body=body)
        elif file and file["name"] in repo.files:
            self._send_file(repo, file["name"], start, body=body)
        else:
            self._refuse(404, "EntryNotFound")

    def _refuse(self, status: int, code: str) -> None:
        self._send(status, b"{}", {"X-Error-Code": code}, body=True)

    def _send_file(self, repo: Repo, name: str, start: int, *, body: bool) -> None:
        content = repo.read(name)
        headers = {
            "ETag": f'"{hashlib.sha256(content).hexdigest()}"',
            "X-Repo-Commit": repo.commit,
            "X-Linked-Size": str(len(content)),
            "Accept-Ranges": "bytes",
        }
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        limit = repo.cut_after if repo.cut_after is not None else repo.stall_after
        if body and limit is not None and limit < len(content) and name not in repo.interrupted:
            repo.interrupted.add(name)
            self._send(200, content, headers, body=True, limit=limit)
            if repo.stall_after is not None:
                self.hub.closing.wait()
            self.close_connection = True
        else:
            self._send(206 if start else 200, content[start:], headers, body=body)

    def _send(
        self, status: int, content: bytes, headers: Mapping[str, str], *, body: bool, limit: int | None = None
    ) -> None:
        self.send_response(status)
        for key, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content[:limit])
            self.wfile.flush()


def _listing(model_id: str, repo: Repo) -> dict[str, object]:
    siblings = []
    for name in repo.files:
        content = repo.read(name)
        sibling: dict[str, object] = {"rfilename": name, "size": len(content), "blobId": "0" * 40}
        if len(content) >= _LARGE_BYTES:
            sha256 = repo.announced_sha256 or hashlib.sha256(content).hexdigest()
            sibling["lfs"] = {"sha256": sha256, "size": len(content), "pointerSize": 130}
        siblings.append(sibling)
    return {"id": model_id, "modelId": model_id, "sha": repo.commit, "private": False, "siblings": siblings}


def small_model(*, n_bytes: int = 40_000, **config: object) -> dict[str, bytes]:
    """Files of a model in safetensors that no library has to load: random weights from a fixed seed."""
    table = np.random.default_rng(0).standard_normal((n_bytes // 4,)).astype(np.float32)
    return {
        "config.json": json.dumps({"model_type": "bert", **config}).encode(),
        "tokenizer.json": b"{}",
        "model.safetensors": save({"table": table}),
    }


def entry_of(
    model_id: str = "acme/tiny", *, hub: str = "huggingface", revision: str = COMMIT, **weights: object
) -> ModelEntry:
    """A catalogue entry for such a model; `weights` adds to or replaces fields of its `Weights`."""
    return ModelEntry.model_validate(
        {
            "hub": hub,
            "id": model_id,
            "revision": revision,
            "family": "bert",
            "architecture": "encoder",
            "modality": "text",
            "task_types": ["text-classification"],
            "languages": ["en"],
            "n_parameters": 10_000,
            "embedding_width": 8,
            "n_layers": 1,
            "max_length": 16,
            "forward_flops": 20_000,
            "flops_unit": "token",
            "weights": {"format": "safetensors", "n_bytes": 40_000, **weights},
            "licence": "apache-2.0",
            "release_date": "2020-01-01",
            "sources": ["https://example.org/tiny"],
        }
    )
