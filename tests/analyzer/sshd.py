"""Another machine for tests: an SSH server on this one, which shows its files by SFTP to who knows the password."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import paramiko

PASSWORD = "geheim"
"""Of anybody."""


def _told(ask: Callable[..., Any]) -> Callable[..., Any]:
    """What the system refuses is told in the numbers of SFTP."""

    @wraps(ask)
    def asked(*told: Any) -> Any:
        try:
            found = ask(*told)
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)
        return paramiko.SFTP_OK if found is None else found

    return asked


class _Handle(paramiko.SFTPHandle):
    def stat(self) -> paramiko.SFTPAttributes:
        return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))


class _Files(paramiko.SFTPServerInterface):
    """The disk as it is."""

    @_told
    def list_folder(self, path: str) -> Any:
        return [
            paramiko.SFTPAttributes.from_stat(each.stat(follow_symlinks=False), each.name) for each in os.scandir(path)
        ]

    @_told
    def stat(self, path: str) -> Any:
        return paramiko.SFTPAttributes.from_stat(Path(path).stat())

    @_told
    def lstat(self, path: str) -> Any:
        return paramiko.SFTPAttributes.from_stat(Path(path).lstat())

    @_told
    def open(self, path: str, flags: int, attributes: object) -> Any:
        handle = _Handle(flags)
        writes = flags & (os.O_WRONLY | os.O_RDWR)
        handle.readfile = handle.writefile = os.fdopen(os.open(path, flags, 0o600), "r+b" if writes else "rb")
        return handle

    @_told
    def remove(self, path: str) -> Any:
        Path(path).unlink()

    @_told
    def rename(self, path: str, to: str) -> Any:
        Path(to).hardlink_to(path)  # what is there already is not replaced
        Path(path).unlink()

    @_told
    def posix_rename(self, path: str, to: str) -> Any:
        Path(path).replace(to)

    @_told
    def mkdir(self, path: str, attributes: object) -> Any:
        Path(path).mkdir()

    @_told
    def rmdir(self, path: str) -> Any:
        Path(path).rmdir()


class _Door(paramiko.ServerInterface):
    def check_auth_password(self, username: str, password: str) -> int:
        return paramiko.AUTH_SUCCESSFUL if password == PASSWORD else paramiko.AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_channel_request(self, kind: str, channel: int) -> int:
        return paramiko.OPEN_SUCCEEDED


@contextmanager
def sshd() -> Iterator[int]:
    """Its port on 127.0.0.1."""
    key = paramiko.ECDSAKey.generate()
    lines: list[paramiko.Transport] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line = paramiko.Transport(connection)
            lines.append(line)
            line.add_server_key(key)
            line.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files)
            line.start_server(threading.Event(), _Door())

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()
        for line in lines:
            line.close()
