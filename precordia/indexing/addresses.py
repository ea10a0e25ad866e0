"""What the name of a knowledge base means: a folder, or the local copy of what lies in an object store."""

from __future__ import annotations

import os
from pathlib import Path

from precordia.core.given import expect
from precordia.indexing.bucket import bucket_of, is_address


def folder_of(path: str | os.PathLike[str]) -> Path:
    """The folder that a knowledge base's name means: that folder, whatever characters it is made of.

    An object store's address (``s3://``, ``gs://``, ``az://``) means the local copy, brought up to date.

    Raises:
        UsageError: it is the address of an object store, and no credentials are set.
        StorageError: the object store does not answer.
    """
    expect(path, (str, os.PathLike), "a knowledge base is a folder")
    name = os.fspath(path)
    if not is_address(name):
        return Path(name)
    bucket = bucket_of(name)
    bucket.fetch()
    return bucket.folder
