"""The address that was checked is the one that is connected to, and the certificate must still be the name's."""

from __future__ import annotations

import datetime
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from smyth.connectors import egress
from smyth.connectors.egress import ForbiddenAddress, PublicTransport

NAME = "models.example"


class _Server(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("location", "https://169.254.169.254/latest")
            self.send_header("content-length", "0")
            self.end_headers()
            return
        body = self.headers["host"].encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificate and key for ``NAME``, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + private)
    return file


@pytest.fixture
def port(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A TLS server for ``NAME``, which resolves to a public address that leads here."""
    server = HTTPServer(("127.0.0.1", 0), _Server)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    checked = egress.public_address

    async def here(url: httpx.URL) -> str:
        return "127.0.0.1" if url.host.endswith(".example") else await checked(url)

    monkeypatch.setattr(egress, "public_address", here)
    monkeypatch.setattr(egress, "tls_context", lambda: ssl.create_default_context(cafile=str(certificate)))
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


async def get(url: str, **options: bool) -> httpx.Response:
    async with httpx.AsyncClient(transport=PublicTransport(), trust_env=False) as client:
        return await client.get(url, **options)


async def test_the_server_sees_the_name_though_the_address_was_pinned(port: int) -> None:
    answer = await get(f"https://{NAME}:{port}/")
    assert answer.text == f"{NAME}:{port}"


async def test_a_certificate_of_another_name_is_refused(port: int) -> None:
    with pytest.raises(httpx.ConnectError, match="certificate"):
        await get(f"https://other.example:{port}/")


async def test_a_redirect_inside_is_refused(port: int) -> None:
    with pytest.raises(ForbiddenAddress):
        await get(f"https://{NAME}:{port}/redirect", follow_redirects=True)
