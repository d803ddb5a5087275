"""The child process that talks to the Hugging Face Hub: reads a `Request` on stdin, writes an `Outcome`.

It is a process of its own because `huggingface_hub` takes its timeouts and switches from the environment when
it is imported, and because a deadline can only be kept against a stalled socket by ending the process.
The download itself uses the library's `http_get` on a partial file that keeps its name: `hf_hub_download`
gives each call a new temporary file and so cannot go on where an earlier process broke off
(https://github.com/huggingface/huggingface_hub/pull/4228).
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from models_registry.hubs import policy
from models_registry.hubs.base import (
    GatedModelError,
    HashMismatchError,
    HubError,
    HubTimeoutError,
    HubUnavailableError,
    ModelNotFoundError,
    ModelTooLargeError,
    RemoteCodeError,
    UnsafeWeightsError,
)
from models_registry.hubs.cache import sha256_of

ERRORS: dict[str, Callable[..., HubError]] = {
    error.__name__: error
    for error in (
        GatedModelError,
        HashMismatchError,
        HubTimeoutError,
        HubUnavailableError,
        ModelNotFoundError,
        ModelTooLargeError,
        RemoteCodeError,
        UnsafeWeightsError,
    )
}


_COMMIT_FILE = ".commit"


class Request(BaseModel):
    """What to download.

    Attributes:
        model: Name of the model, for errors.
        repo_id: Its id at the Hub.
        revision: Commit, branch or tag.
        endpoint: Address of the Hub; None is the library's default.
        scratch: Folder to fill.
        sha256: Pinned hash of a single weights file.
        max_bytes: Limit for all files together.
        silence_seconds: Silence of the server after which a request counts as lost.
        seconds: Time for everything; the process ends itself then, should its parent be gone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    repo_id: str
    revision: str
    endpoint: str | None
    scratch: Path
    sha256: str | None
    max_bytes: int
    silence_seconds: float
    seconds: float


class Outcome(BaseModel):
    """How it went: a commit, or the name and the arguments of one of the hubs' errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: Literal["done", "failed"]
    commit: str = ""
    error: str = ""
    arguments: tuple[str | int | float | tuple[str, ...], ...] = ()


class Listing(BaseModel):
    """The files at the root of a repository at one commit: sizes, and hashes of the large ones."""

    model_config = ConfigDict(frozen=True)

    commit: str
    sizes: dict[str, int]
    sha256: dict[str, str]


def download(request: Request) -> str:
    """The scratch folder holds the model's configuration, tokenizer and weights; returns their commit."""
    listing = _list_files(request)
    _forget_other_commits(request.scratch, listing.commit)
    _take(request, listing, policy.SIDE_FILES & listing.sizes.keys())
    policy.check_configs(request.model, request.scratch)
    chosen = policy.choose_weights(request.model, listing.sizes)
    _take(request, listing, [chosen])
    if chosen == policy.INDEX:
        shards = policy.shards_of(request.model, request.scratch / chosen)
        _take(request, listing, shards)
    elif request.sha256 is not None:
        _check_hash(request, chosen, request.sha256)
    (request.scratch / _COMMIT_FILE).unlink()
    return listing.commit


def _forget_other_commits(scratch: Path, commit: str) -> None:
    """Clears what an earlier attempt left, unless it was at the same commit: a branch may have moved on."""
    marker = scratch / _COMMIT_FILE
    if not marker.is_file() or marker.read_text(encoding="utf-8") != commit:
        shutil.rmtree(scratch)
        scratch.mkdir()
        marker.write_text(commit, encoding="utf-8")


def _list_files(request: Request) -> Listing:
    from huggingface_hub import HfApi

    api = HfApi(endpoint=request.endpoint)
    info = api.model_info(
        request.repo_id, revision=request.revision, files_metadata=True, timeout=request.silence_seconds
    )
    at_root = [f for f in info.siblings or [] if "/" not in f.rfilename and f.size is not None]
    return Listing(
        commit=info.sha or request.revision,
        sizes={f.rfilename: f.size or 0 for f in at_root},
        sha256={f.rfilename: f.lfs.sha256 for f in at_root if f.lfs is not None},
    )


def _take(request: Request, listing: Listing, names: Iterable[str]) -> None:
    wanted = sorted(names)
    missing = [name for name in wanted if name not in listing.sizes]
    if missing:
        raise ModelNotFoundError(request.model, f"the repository does not hold {missing[0]}")
    here = sum(path.stat().st_size for path in request.scratch.iterdir() if path.name not in wanted)
    n_bytes = here + sum(listing.sizes[name] for name in wanted)
    if n_bytes > request.max_bytes:
        raise ModelTooLargeError(request.model, n_bytes, request.max_bytes)
    for name in wanted:
        _download_file(request, listing, name)


def _download_file(request: Request, listing: Listing, name: str) -> None:
    """Fetches one file, going on where an earlier attempt at the same commit broke off."""
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # documented there

    target, partial = request.scratch / name, request.scratch / f"{name}.incomplete"
    if not target.is_file():
        url = hf_hub_url(request.repo_id, name, revision=listing.commit, endpoint=request.endpoint)
        headers = build_hf_headers() | {"Accept-Encoding": "identity"}  # compressed bytes cannot be resumed
        with partial.open("ab") as stream:
            http_get(
                url, stream, resume_size=stream.tell(), headers=headers, expected_size=listing.sizes[name]
            )
        partial.rename(target)
    if name in listing.sha256:
        _check_hash(request, name, listing.sha256[name])


def _check_hash(request: Request, name: str, expected: str) -> None:
    actual = sha256_of(request.scratch / name)
    if actual != expected:
        (request.scratch / name).unlink()
        raise HashMismatchError(request.model, name, expected, actual)


def _translated(request: Request, error: Exception) -> HubError:
    """The hubs' error for one of `huggingface_hub` or its HTTP library."""
    from httpx2 import TimeoutException
    from huggingface_hub import errors

    if isinstance(error, HubError):
        return error
    if isinstance(error, TimeoutException):
        return HubTimeoutError(request.model, request.silence_seconds)
    status = error.response.status_code if isinstance(error, errors.HfHubHTTPError) else None
    missing = isinstance(
        error,
        (
            errors.RepositoryNotFoundError,
            errors.RevisionNotFoundError,
            errors.EntryNotFoundError,
            errors.HFValidationError,
        ),
    )
    if isinstance(error, errors.GatedRepoError) or (status in {401, 403} and not missing):
        return GatedModelError(request.model)
    detail = (str(error) or type(error).__name__).splitlines()[0]
    return (ModelNotFoundError if missing else HubUnavailableError)(request.model, detail)


def main() -> None:
    """Answers the request on standard input with an outcome on standard output."""
    request = Request.model_validate_json(sys.stdin.read())
    signal.setitimer(signal.ITIMER_REAL, request.seconds)
    os.environ["HF_HUB_DOWNLOAD_TIMEOUT"] = str(max(1, round(request.silence_seconds)))
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    os.environ["HF_HUB_DISABLE_UPDATE_CHECK"] = "1"
    request.scratch.mkdir(parents=True, exist_ok=True)
    try:
        outcome = Outcome(state="done", commit=download(request))
    except Exception as error:  # noqa: BLE001  the end of this process: the parent raises it again
        known = _translated(request, error)
        outcome = Outcome(state="failed", error=type(known).__name__, arguments=known.args)
    sys.stdout.write(json.dumps(outcome.model_dump()))


if __name__ == "__main__":
    main()
