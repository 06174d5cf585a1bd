"""A mail server on loopback that answers from a script: what it offers, and what it does not know."""

from __future__ import annotations

import base64
import socketserver
import threading
from typing import Self


class ScriptedMailServer(socketserver.ThreadingTCPServer):
    """Offers `offers` after EHLO and takes every mail; `login` maps what AUTH sends to the answer.

    `greeting` is what it says first; None: nothing. `knows_ehlo` is whether it answers EHLO. `ascii_only`: it refuses
    a mail with any other byte. `rcpt` maps recipients to answers. What it was told is in `lines`, mails in `mails`.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(
        self,
        *offers: str,
        greeting: str | None = "220 ready",
        knows_ehlo: bool = True,
        ascii_only: bool = False,
        mail_from: str = "250 OK",
        rcpt: dict[str, str] | None = None,
        login: dict[str, str] | None = None,
    ) -> None:
        self.offers, self.greeting, self.knows_ehlo, self.ascii_only = offers, greeting, knows_ehlo, ascii_only
        self.mail_from, self.rcpt, self.login = mail_from, rcpt or {}, login or {}
        self.lines: list[str] = []
        self.mails: list[bytes] = []
        super().__init__(("127.0.0.1", 0), _Session)
        self.port = self.server_address[1]
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join(5)
        self.server_close()


class _Session(socketserver.StreamRequestHandler):
    server: ScriptedMailServer

    def handle(self) -> None:
        if self.server.greeting is None:
            self.rfile.readline()
            return
        self._say(self.server.greeting)
        while line := self.rfile.readline().decode("utf-8", "replace").rstrip("\r\n"):
            self.server.lines.append(line)
            word = line.split(" ")[0].upper()
            if word == "QUIT":
                self._say("221 bye")
                return
            getattr(self, f"do_{word.lower()}", self.do_unknown)(line)

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode("latin-1") + b"\r\n")

    def do_unknown(self, line: str) -> None:
        self._say("502 unknown")

    def do_ehlo(self, line: str) -> None:
        if not self.server.knows_ehlo:
            self.do_unknown(line)
            return
        offers = ["here", *self.server.offers]
        for number, offer in enumerate(offers, 1):
            self._say(f"250{' ' if number == len(offers) else '-'}{offer}")

    def do_helo(self, line: str) -> None:
        self._say("250 here")

    def do_mail(self, line: str) -> None:
        self._say(self.server.mail_from)

    def do_rcpt(self, line: str) -> None:
        address = line.partition("<")[2].partition(">")[0]
        self._say(self.server.rcpt.get(address, "250 OK"))

    def do_data(self, line: str) -> None:
        self._say("354 go on")
        lines = []
        while (got := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(got)
        mail = b"".join(lines)
        if self.server.ascii_only and not mail.isascii():
            self._say("554 8-bit data")
            return
        self.server.mails.append(mail)
        self._say("250 OK")

    def do_auth(self, line: str) -> None:
        mechanism = line.split(" ")[1].upper()
        said = [mechanism, *line.split(" ")[2:]]
        prompts = {"CRAM-MD5": [b"<1.2@here>"], "LOGIN": [b"Username:", b"Password:"], "PLAIN": [b""]}[mechanism]
        for prompt in prompts[len(said) - 1 :]:
            self._say(f"334 {base64.b64encode(prompt).decode()}")
            said.append(self.rfile.readline().decode().strip())
        decoded = " ".join([mechanism, *(base64.b64decode(each).decode("utf-8", "replace") for each in said[1:])])
        for start, answer in self.server.login.items():
            if decoded.startswith(start):
                self._say(answer)
                return
        self._say("535 no")
