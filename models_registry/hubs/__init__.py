"""Where weights come from: one importer a hub."""

from models_registry.hubs.base import Deadline, FetchedModel, Hub, HubError
from models_registry.hubs.registry import hub_for

__all__ = ["Deadline", "FetchedModel", "Hub", "HubError", "hub_for"]
