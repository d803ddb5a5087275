"""The base of every error that the registry raises."""


class RegistryError(Exception):
    """The registry or one of its hubs could not do what was asked."""
