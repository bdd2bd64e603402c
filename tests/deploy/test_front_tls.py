"""TLS as it is shipped: two versions, forward secrecy, and ML-KEM where OpenSSL has it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import ssl
import subprocess
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.deploy.authority import DOOR
from tests.deploy.conftest import Fronted
from tests.deploy.front import HOST, SHIPPED, Front, open_front
from tests.deploy.shipped import find_program
from tests.patience import PATIENCE

pytestmark = pytest.mark.deploy

HYBRID = "X25519MLKEM768"


def _handshake(front: Front, name: str | None, version: ssl.TLSVersion) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=front.certificates.authority)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    context.check_hostname = name is not None
    plain = socket.create_connection((HOST, front.tls), timeout=PATIENCE)
    try:
        return context.wrap_socket(plain, server_hostname=name)
    except OSError:
        plain.close()
        raise


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_two_versions_are_spoken(fronted: Fronted, version: ssl.TLSVersion) -> None:
    """Each with a cipher that keeps no door open to who steals the key later."""
    with _handshake(fronted.front, DOOR, version) as client:
        cipher = client.cipher()
    assert cipher
    assert cipher[0].startswith(("ECDHE-", "TLS_"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_older_versions_are_refused(fronted: Fronted, version: ssl.TLSVersion) -> None:
    """Nobody is talked down to them."""
    with pytest.raises(ssl.SSLError):
        _handshake(fronted.front, DOOR, version)


@pytest.mark.parametrize("name", ["other.example", None])
def test_whoever_knows_no_name_sees_no_certificate(fronted: Fronted, name: str | None) -> None:
    """Addresses are scanned all day: whoever scans does not learn that this is the office."""
    with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name|handshake"):
        _handshake(fronted.front, name, ssl.TLSVersion.TLSv1_3)


def test_a_second_visit_cannot_be_joined_to_the_first(fronted: Fronted) -> None:
    """No session is kept and no ticket given that would tell nginx who comes again."""
    with _handshake(fronted.front, DOOR, ssl.TLSVersion.TLSv1_2) as client:
        first = client.session
        assert first is not None
        assert not first.has_ticket
    context = client.context
    plain = socket.create_connection((HOST, fronted.front.tls), timeout=PATIENCE)
    with context.wrap_socket(plain, server_hostname=DOOR, session=first) as again:
        assert not again.session_reused


@pytest.mark.parametrize("path", ["/", "/v1/case/events?case=secret"])
def test_in_the_clear_there_is_only_the_way_to_the_safe_address(
    fronted: Fronted, path: str
) -> None:
    """The path is not repeated: it may have named a case."""
    connection = HTTPConnection(HOST, fronted.front.plain, timeout=PATIENCE)
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{DOOR}/")


def test_the_authority_for_certificates_finds_its_proof(fronted: Fronted) -> None:
    """What the tool for certificates puts there is served without TLS."""
    proof = fronted.front.folder / "acme" / ".well-known" / "acme-challenge" / "token"
    proof.parent.mkdir(parents=True)
    proof.write_text("a proof", encoding="utf-8")
    connection = HTTPConnection(HOST, fronted.front.plain, timeout=PATIENCE)
    connection.request("GET", "/.well-known/acme-challenge/token")
    answer = connection.getresponse()
    assert answer.read() == b"a proof"
    connection.close()


def _newer_openssl(folder: Path) -> dict[str, str]:
    """
    Return an environment in which programs find an OpenSSL that has ML-KEM.

    It is the one that psycopg's wheel carries for itself; a distribution with OpenSSL 3.5 has its
    own. Its library has the same interface as that of OpenSSL 3.0.
    """
    package = importlib.util.find_spec("psycopg_binary")
    assert package
    assert package.origin
    libraries = Path(package.origin).parents[1] / "psycopg_binary.libs"
    for name in ("libssl", "libcrypto"):
        (library,) = libraries.glob(f"{name}-*.so.3")
        (folder / f"{name}.so.3").symlink_to(library)
    return {"LD_LIBRARY_PATH": str(folder)}


def _choose(folder: Path, **environment: str) -> tuple[int, str, str]:
    """Let the shipped script choose; return its exit code, its warning, and what it wrote."""
    nginx = str(find_program("nginx", "nginx"))
    done = subprocess.run(
        [SHIPPED / "choose-tls-groups", folder],
        env=os.environ | {"NGINX": nginx} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    written = folder / "tls-groups.conf"
    text = written.read_text("utf-8") if written.exists() else ""
    return done.returncode, done.stderr, text


def test_ml_kem_is_chosen_where_openssl_has_it(tmp_path: Path) -> None:
    """The hybrid goes first, and the classical groups stay for older clients."""
    (tmp_path / "newer").mkdir()
    environment = _newer_openssl(tmp_path / "newer")
    code, warning, text = _choose(tmp_path, **environment)
    assert (code, warning) == (0, "")
    assert f"ssl_ecdh_curve {HYBRID}:X25519:prime256v1;" in text


def test_without_it_the_choice_is_classical_and_said_to_be(tmp_path: Path) -> None:
    """An nginx that refuses the group, as that of OpenSSL 3.0 does, gets a list that it takes."""
    stub = tmp_path / "nginx"
    nginx = find_program("nginx", "nginx")
    # Whatever OpenSSL this machine has: the name is one that none knows.
    stub.write_text(
        "#!/bin/sh\nfor word; do configuration=$word; done\n"
        f'sed -i "s/{HYBRID}/unknown-group/" "$configuration"\nexec {nginx} "$@"\n',
        encoding="ascii",
    )
    stub.chmod(0o755)
    code, warning, text = _choose(tmp_path, NGINX=str(stub))
    assert code == 0
    assert f"no {HYBRID}" in warning
    assert "ssl_ecdh_curve X25519:prime256v1;" in text


def test_a_program_that_is_no_nginx_chooses_nothing(tmp_path: Path) -> None:
    """A choice that nobody made is not written."""
    code, warning, text = _choose(tmp_path, NGINX=shutil.which("false") or "")
    assert (code, text) == (1, "")
    assert "is it" in warning


def test_a_client_that_knows_only_ml_kem_is_served(fronted: Fronted, tmp_path: Path) -> None:
    """The key exchange really takes place, by an OpenSSL that has it on both sides."""
    environment = _newer_openssl(tmp_path)
    openssl = str(find_program("openssl", "openssl"))
    with open_front(fronted.behind, environment=environment) as front:
        greet = [openssl, "s_client", "-connect", f"{HOST}:{front.tls}", "-servername", DOOR]
        verify = ["-CAfile", str(front.certificates.authority), "-verify_return_error"]
        done = subprocess.run(
            [*greet, *verify, "-groups", HYBRID, "-tls1_3"],
            env=os.environ | environment,
            input=b"",
            capture_output=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert b"Verify return code: 0 (ok)" in done.stdout
