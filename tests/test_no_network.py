"""The tests themselves reach nothing but this machine."""

from __future__ import annotations

import socket
import urllib.request

import pytest


def test_an_address_elsewhere_cannot_be_reached() -> None:
    with socket.socket() as one, pytest.raises(AssertionError, match="reached for the network"):
        one.connect(("192.0.2.1", 80))


def test_a_name_elsewhere_is_not_looked_up() -> None:
    with pytest.raises(AssertionError, match="looked up a name"):
        urllib.request.urlopen("http://example.org/")


def test_this_machine_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
