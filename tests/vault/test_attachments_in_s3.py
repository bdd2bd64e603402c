"""Attachments in an object store: the same as in a folder, and what is told when it is away."""

from __future__ import annotations

import pytest

from dengwen_submit.attachment_views import ACCEPTANCE_HEADER
from dengwen_submit.web import create_door
from dengwen_vault.blobs.store import path_of
from dengwen_vault.doctor import examine
from dengwen_vault.errors import MissingBlobError, UnavailableError, WrongBlobError
from dengwen_vault.settings import SETTINGS_FILE
from tests.vault.attaching import PARTS, read, with_settings
from tests.vault.conftest import S3_URL
from tests.vault.office import VaultOffice, seal_petition
from tests.vault.s3_server import Gate, S3Server


def test_in_an_object_store_it_is_the_same(small_office: VaultOffice, s3: S3Server) -> None:
    """One line in the settings; nothing secret in them, and no folder of blobs."""
    vault = with_settings(small_office, f'blobs = "{S3_URL}"')
    small_office.vault.close()
    small_office.vault = vault
    petition, acceptance = small_office.accept_files()
    small_office.attach(petition, acceptance)
    small_office.attach(petition, acceptance)
    assert read(small_office, petition, 1) == petition.parts[PARTS[0]]
    assert sorted(s3.objects().values()) == sorted(petition.parts[name] for name in PARTS)
    assert not (small_office.folder / "blobs").exists()
    assert "secret" not in (small_office.folder / SETTINGS_FILE).read_text()


def test_an_object_store_that_is_away_loses_nothing_and_comes_back(
    small_office: VaultOffice, gate: Gate
) -> None:
    """Petitions come in without it; what was announced is sent again when it is there."""
    small_office.vault = with_settings(small_office, f'blobs = "{S3_URL}"')
    petition, acceptance = small_office.accept_files()
    small_office.attach(petition, acceptance, 1)
    gate.close()
    rows = small_office.rows()
    with pytest.raises(UnavailableError):
        small_office.attach(petition, acceptance, 2)
    with pytest.raises(UnavailableError):
        read(small_office, petition, 1)
    assert small_office.rows() == rows
    small_office.vault.accept(seal_petition().to_bytes())
    gate.open()
    assert read(small_office, petition, 1) == petition.parts[PARTS[0]]
    small_office.attach(petition, acceptance, 2)
    assert small_office.vault.arrived(petition.manifest.case) == (1, 2)


def test_an_object_store_that_lost_an_object_is_found_out(
    small_office: VaultOffice, s3: S3Server
) -> None:
    """Missing and exchanged objects are told from the hash, and mended by sending again."""
    small_office.vault = with_settings(small_office, f'blobs = "{S3_URL}"')
    petition, acceptance = small_office.accept_files()
    small_office.attach(petition, acceptance)
    name = f"office/{path_of(petition.manifest.part(PARTS[0]).sha256)}"
    s3.overwrite(name, petition.parts[PARTS[1]])
    with pytest.raises(WrongBlobError):
        read(small_office, petition, 1)
    s3.remove(name)
    with pytest.raises(MissingBlobError):
        read(small_office, petition, 1)
    small_office.attach(petition, acceptance)
    assert read(small_office, petition, 1) == petition.parts[PARTS[0]]


def test_a_killed_store_is_told_at_the_door_and_one_that_comes_back_empty_is_mended(
    small_office: VaultOffice, mortal_s3: S3Server
) -> None:
    """503 while it is dead; what it has lost the doctor counts, and the same files mend."""
    small_office.vault = with_settings(small_office, f'blobs = "{S3_URL}"')
    petition, acceptance = small_office.accept_files()
    small_office.attach(petition, acceptance, 1)
    mortal_s3.kill()
    door = create_door(small_office.vault, small_office.clock).test_client()
    headers = {ACCEPTANCE_HEADER: acceptance}
    answer = door.put("/v1/attachments/2", data=petition.parts[PARTS[1]], headers=headers)
    assert answer.status_code == 503
    assert answer.get_json()["type"] == "urn:dengwen:problem:unavailable"
    assert int(answer.headers["Retry-After"]) > 0
    assert small_office.vault.arrived(petition.manifest.case) == (1,)
    mortal_s3.start()
    sentences = [finding.sentence for finding in examine(small_office.vault, small_office.now)]
    assert "attachments that are gone: 1" in sentences
    for number, name in enumerate(PARTS, start=1):
        sent = door.put(f"/v1/attachments/{number}", data=petition.parts[name], headers=headers)
        assert sent.status_code == 204
        assert read(small_office, petition, number) == petition.parts[name]
