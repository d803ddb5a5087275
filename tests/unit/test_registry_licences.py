"""What licences allow."""

import pytest

from models_registry.catalogue import load_catalogue
from models_registry.licences import allows_commercial_use


@pytest.mark.parametrize(
    "licence", ["apache-2.0", "MIT", "bsd-3-clause", "cc-by-4.0", "cc-by-sa-3.0", "openrail"]
)
def test_permissive_and_share_alike_licences_allow_commercial_use(licence: str) -> None:
    assert allows_commercial_use(licence) is True


@pytest.mark.parametrize("licence", ["cc-by-nc-4.0", "CC-BY-NC-SA-4.0", "nvidia-source-code-license"])
def test_non_commercial_licences_do_not(licence: str) -> None:
    assert allows_commercial_use(licence) is False


@pytest.mark.parametrize("licence", ["unknown", "other", "", "license-of-nobody"])
def test_an_unknown_licence_is_not_guessed(licence: str) -> None:
    assert allows_commercial_use(licence) is None


def test_every_licence_of_the_catalogue_is_known_or_says_unknown() -> None:
    unclear = {entry.licence for entry in load_catalogue() if allows_commercial_use(entry.licence) is None}
    assert unclear <= {"unknown"}
