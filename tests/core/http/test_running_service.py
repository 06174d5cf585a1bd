"""Commands ask a collector that runs, and say what is wrong where something else answers."""

import socket
import threading

import pytest

from collector_core.http.running_service import ask_service


def ask(url):
    return ask_service(url, "/healthz", method="GET", timeout=5.0)


@pytest.mark.parametrize("url", ["127.0.0.1:9877", "ftp://127.0.0.1", ""])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(ValueError, match="http://HOST:PORT"):
        ask(url)


def test_what_does_not_speak_http_is_an_error_like_others():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"SSH-2.0-OpenSSH\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(OSError, match="does not speak HTTP"):
            ask(f"http://127.0.0.1:{server.getsockname()[1]}")
        thread.join(10)
