"""Places that a URL names, for tests: a bucket of a real server on this machine, and folders that can only rename."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem


class Renaming(LocalFileSystem):
    """As of another machine: a file that is being written is there before it is whole."""

    protocol = "renaming"

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return super()._strip_protocol(path.removeprefix("renaming://"))


fsspec.register_implementation("renaming", Renaming)


@contextmanager
def s3(patch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an object store; what asks for S3 in this process, and in those it starts, comes to it."""
    from moto.server import ThreadedMotoServer
    from s3fs import S3FileSystem

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        patch.delenv(name, raising=False)
    for name, value in (
        ("AWS_ENDPOINT_URL", address),
        ("AWS_ACCESS_KEY_ID", "testing"),
        ("AWS_SECRET_ACCESS_KEY", "testing"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
    ):
        patch.setenv(name, value)
    S3FileSystem.clear_instance_cache()
    try:
        yield address
    finally:
        S3FileSystem.clear_instance_cache()
        server.stop()


def reader(patch: pytest.MonkeyPatch, address: str) -> None:
    """From now on we are somebody who may read from every bucket, and do nothing else."""
    import boto3
    from s3fs import S3FileSystem

    iam = boto3.client("iam")
    iam.create_user(UserName="reader")
    allowed = {"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": allowed}
    iam.put_user_policy(UserName="reader", PolicyName="read", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    patch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    patch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    checks(address, True)
    S3FileSystem.clear_instance_cache()


def checks(address: str, whether: bool) -> None:
    """Whether the store asks who one is."""
    left = b"0" if whether else b"1000000"
    asked = Request(f"{address}/moto-api/reset-auth", data=left, headers={"Content-Type": "text/plain"})
    urlopen(asked).close()


def upload(folder: Path, url: str) -> Any:
    """Put all that is in a folder to where a URL names; the file system that it is in."""
    system, root = fsspec.url_to_fs(url)
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = f"{root}/{path.relative_to(folder).as_posix()}"
        system.makedirs(name.rpartition("/")[0], exist_ok=True)
        system.pipe_file(name, path.read_bytes())
    return system


def tree(url: str) -> dict[str, bytes]:
    """What people look at: all files but those that the program keeps for itself."""
    system, root = fsspec.url_to_fs(url)
    system.invalidate_cache()
    names = {path: path.removeprefix(root).strip("/") for path in system.find(root)}
    return {name: system.cat_file(path) for path, name in names.items() if not name.startswith(".work/")}
