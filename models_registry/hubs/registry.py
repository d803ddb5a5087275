"""Hubs by name."""

from pathlib import Path

from models_registry.entry import ModelEntry
from models_registry.hubs.base import Hub, UnknownHubError
from models_registry.hubs.huggingface import HuggingFaceHub
from models_registry.hubs.local import LocalHub
from models_registry.hubs.package_index import PackageIndexHub


def hub_for(
    entry: ModelEntry,
    *,
    local_root: Path | None = None,
    endpoint: str | None = None,
    silence_seconds: float = 10.0,
) -> Hub:
    """The hub that an entry's weights come from.

    Args:
        entry: The model.
        local_root: Folder of local models; None offers none.
        endpoint: Address of the Hugging Face Hub; None is the library's default.
        silence_seconds: Silence of a server after which a request counts as lost.

    Raises:
        UnknownHubError: The entry is local and no folder of local models is configured.
    """
    match entry.hub:
        case "huggingface":
            return HuggingFaceHub(endpoint, silence_seconds=silence_seconds)
        case "package-index":
            return PackageIndexHub()
        case "local":
            if local_root is None:
                raise UnknownHubError(entry.name, entry.hub)
            return LocalHub(local_root)
        case "github":  # described for recommendation only: nothing there is loadable by policy
            raise UnknownHubError(entry.name, entry.hub)
