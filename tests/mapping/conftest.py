import pytest

from zp_registry.mapping import Mappings, load_mappings


@pytest.fixture(scope="session")
def mappings() -> Mappings:
    return load_mappings()
