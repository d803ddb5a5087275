"""The Hugging Face Hub: pinned revisions, safetensors only, never code of the model's own."""

import re
import sys
from pathlib import Path

from pydantic import ValidationError

from models_registry.entry import UNPINNED, ModelEntry
from models_registry.hubs import policy
from models_registry.hubs.base import (
    Deadline,
    FetchedModel,
    HubTimeoutError,
    HubUnavailableError,
    ModelNotFoundError,
    Progress,
    no_progress,
)
from models_registry.hubs.cache import claimed, model_folder, publish, published
from models_registry.hubs.child import ChildTimeoutError, run_child
from models_registry.hubs.hub_download import ERRORS, Outcome, Request

DEFAULT_MAX_BYTES = 16 * 2**30
_COMMIT = re.compile(r"[0-9a-f]{40}")
_REF_FILE = "ref-main"


class HuggingFaceHub:
    """The Hub at an endpoint.

    An entry without a pinned commit is resolved once; later fetches use the commit that is on this machine,
    so that one model stays one model for all runs. The access token, if any, is the one that
    `huggingface_hub` finds for the user of this process.

    Args:
        endpoint: Address of the Hub or of a mirror; None is the library's default (`HF_ENDPOINT`).
        max_bytes: Limit for the files of one model.
        silence_seconds: Silence after which a request counts as lost and is tried again.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        *,
        max_bytes: int = DEFAULT_MAX_BYTES,
        silence_seconds: float = 10.0,
    ) -> None:
        self.endpoint = endpoint
        self.max_bytes = max_bytes
        self.silence_seconds = silence_seconds

    def fetch(
        self, entry: ModelEntry, into: Path, *, deadline: Deadline, progress: Progress = no_progress
    ) -> FetchedModel:
        """See `Hub.fetch`."""
        there = self._find(entry, into)
        if there is not None:
            return there
        with claimed(into, model_folder(into, entry), entry.name, deadline) as scratch:
            there = self._find(entry, into)  # another process may have been quicker
            if there is not None:
                return there
            commit = self._download(entry, scratch, deadline, progress)
            policy.check_folder(entry.name, scratch)
            facts: dict[str, object] = {
                "source": entry.key,
                "endpoint": self.endpoint or "default",
                "converter": None,
            }
            fetched = publish(into, scratch, model_folder(into, entry, commit), revision=commit, facts=facts)
            if entry.revision == UNPINNED:
                _ref_file(entry, into).write_text(commit, encoding="utf-8")
            return fetched

    def _find(self, entry: ModelEntry, into: Path) -> FetchedModel | None:
        revision = entry.revision
        if revision == UNPINNED:
            ref = _ref_file(entry, into)
            revision = ref.read_text(encoding="utf-8").strip() if ref.is_file() else ""
            if not _COMMIT.fullmatch(revision):
                return None
        return published(model_folder(into, entry, revision))

    def _download(self, entry: ModelEntry, scratch: Path, deadline: Deadline, progress: Progress) -> str:
        request = Request(
            model=entry.name,
            repo_id=entry.id,
            revision=entry.revision,
            endpoint=self.endpoint,
            scratch=scratch,
            sha256=entry.weights.sha256,
            max_bytes=self.max_bytes,
            silence_seconds=self.silence_seconds,
            seconds=deadline.left,
        )
        command = [sys.executable, "-m", "models_registry.hubs.hub_download"]
        try:
            result = run_child(
                command,
                deadline=deadline,
                stdin=request.model_dump_json(),
                on_poll=lambda: progress(_bytes_in(scratch), entry.weights.n_bytes),
            )
        except ChildTimeoutError:
            raise HubTimeoutError(entry.name, deadline.seconds) from None
        commit = _commit_of(entry, result.output, result.errors)
        progress(_bytes_in(scratch), _bytes_in(scratch))
        return commit


def _commit_of(entry: ModelEntry, output: str, errors: str) -> str:
    """The commit that was downloaded; raises what the child reported."""
    try:
        outcome = Outcome.model_validate_json(output)
    except ValidationError:
        last = (errors.strip().splitlines() or ["no answer"])[-1]
        raise HubUnavailableError(entry.name, f"the download process failed: {last}") from None
    if outcome.state == "failed":
        raise ERRORS[outcome.error](*outcome.arguments)
    if not _COMMIT.fullmatch(outcome.commit):
        raise ModelNotFoundError(entry.name, "the hub named no commit")
    return outcome.commit


def _ref_file(entry: ModelEntry, into: Path) -> Path:
    return model_folder(into, entry).with_name(_REF_FILE)


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*") if path.is_file())
