"""Which model a request means, and in words what is wrong where it means none."""

from models_registry.catalogue import (
    AmbiguousModelError,
    Catalogue,
    InvalidModelNameError,
    UnknownModelError,
)
from models_registry.entry import ModelEntry

EXAMPLE_NAME = "huggingface:google-bert/bert-base-uncased"


class Naming:
    """Finds the models of a snapshot by name."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def find(self, name: str) -> ModelEntry | str:
        """The entry that this names, or what is wrong with the name and what would be right."""
        try:
            return self._catalogue.get(name.strip())
        except InvalidModelNameError:
            return f"a path or an address where a model's id is due; give hub:id, such as {EXAMPLE_NAME}"
        except AmbiguousModelError as error:
            return f"could be any of {', '.join(error.candidates)}; name one in full"
        except UnknownModelError as error:
            hint = f"; perhaps {', '.join(error.nearest)}" if error.nearest else ""
            return f"no such model; GET /models lists those there are, POST /models adds one{hint}"
