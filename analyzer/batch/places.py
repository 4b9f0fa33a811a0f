"""On this machine's disks or elsewhere: who reads an archive, and who keeps results, by how the place is named."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from analyzer.batch import inputs, store
from analyzer.batch.bucket import Bucket
from analyzer.batch.fetched import Fetched
from analyzer.batch.inputs import Inputs
from analyzer.batch.remote import is_remote
from analyzer.batch.store import Store


def inputs_at(archive: str) -> AbstractContextManager[Inputs]:
    """The archive that a path or a URL names. Raises FedtraceError where its driver is missing, or does not come."""
    return Fetched(archive) if is_remote(archive) else nullcontext(inputs.Disk(archive))


def store_at(root: str) -> Store:
    """The results that a path or a URL names. Raises FedtraceError where its driver is missing, or does not come."""
    return Bucket(root) if is_remote(root) else store.Disk(root)
