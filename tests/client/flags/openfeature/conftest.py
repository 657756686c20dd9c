"""A provider over a store in memory, asked through OpenFeature's own API."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient

from ops_client import OpsClient
from ops_client.flags.openfeature import OpsProvider
from ops_client.testing import MemoryStore


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def ops(store: MemoryStore) -> Iterator[OpsClient]:
    with OpsClient("", service="test", store=store, poll_seconds=0.05, snapshot_path=None) as client:
        yield client


@pytest.fixture
def asked() -> Iterator[Callable[[OpsClient], OpenFeatureClient]]:
    """OpenFeature's client of an OpsClient, of its own domain so that tests do not meet."""

    def make(client: OpsClient) -> OpenFeatureClient:
        domain = uuid4().hex
        api.set_provider_and_wait(OpsProvider(client), domain)
        return api.get_client(domain)

    yield make
    api.clear_providers()
