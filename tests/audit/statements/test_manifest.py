"""The manifest: everything a sealed petition consists of, under the case key's signature."""

import dataclasses
from collections.abc import Callable

import pytest

from dengwen_audit.errors import SignatureError
from dengwen_audit.note import sign_note
from dengwen_audit.statements.manifest import (
    MAX_ATTACHMENTS,
    CaseIdError,
    CompartmentLine,
    Manifest,
    ManifestError,
    PanelInstitutionError,
    case_id,
    check_against_roster,
    check_manifest,
)
from dengwen_audit.text import TextError
from tests.bad_statements import BAD_MANIFESTS, manifest_quorum
from tests.small_office import (
    make_case_key,
    make_key,
    make_manifest,
    make_recipient,
    make_roster,
)

Change = Callable[[Manifest], Manifest]


def _changed(**changes: object) -> Change:
    return lambda manifest: dataclasses.replace(manifest, **changes)  # type: ignore[arg-type]


def test_a_manifest_signed_by_its_case_key_is_returned() -> None:
    """The case id is that of the keys in the text, and the key in the text signed it."""
    manifest = make_manifest()
    assert check_manifest(sign_note(manifest.to_bytes(), make_case_key())) == manifest


@pytest.mark.parametrize("attachments", [0, 1, MAX_ATTACHMENTS])
def test_a_manifest_reads_back_as_it_was_written(attachments: int) -> None:
    """However many attachments there are, parsing what was spelt gives the same manifest."""
    manifest = make_manifest(attachments=attachments)
    assert Manifest.parse(manifest.to_bytes()) == manifest


def test_a_case_id_is_that_of_both_keys() -> None:
    """Neither the signing key nor the mailbox can be another without being another case."""
    key, other = (make_case_key(c).verification_key.public_key for c in ("one", "two"))
    ids = {case_id(k, make_recipient(m)) for k in (key, other) for m in ("one", "two")}
    assert len(ids) == 4


@pytest.mark.parametrize(
    "change",
    [
        _changed(case=bytes(32)),
        _changed(mailbox=make_recipient("somebody else")),
        _changed(signing_key=make_case_key("another case").verification_key.public_key),
    ],
)
def test_a_case_id_of_other_keys_is_refused(change: Change) -> None:
    """Nobody can send replies of a case to another mailbox by a manifest that looks right."""
    note = sign_note(change(make_manifest()).to_bytes(), make_case_key())
    with pytest.raises(CaseIdError):
        check_manifest(note)


def test_a_manifest_signed_by_another_key_is_refused() -> None:
    """The case key's name is in every manifest; the key behind it is in the text."""
    with pytest.raises(SignatureError):
        check_manifest(sign_note(make_manifest().to_bytes(), make_case_key("another case")))


def test_a_manifest_with_a_further_signature_line_is_refused() -> None:
    """A manifest carries one line, so that nothing foreign travels with it."""
    keys = (make_case_key(), make_key("reviewer-1"))
    with pytest.raises(SignatureError):
        check_manifest(sign_note(make_manifest().to_bytes(), *keys))


def test_a_manifest_of_the_rosters_locks_is_accepted() -> None:
    """Quorums and panel are those that the root keepers signed."""
    check_against_roster(make_manifest(), make_roster())


@pytest.mark.parametrize("name", BAD_MANIFESTS)
def test_a_manifest_of_other_locks_is_refused(name: str) -> None:
    """A petitioner's client cannot be made to seal to fewer than the roster says, unseen."""
    change, error = BAD_MANIFESTS[name]
    with pytest.raises(error):
        check_against_roster(change(make_manifest()), make_roster())


def test_two_panel_members_of_one_institution_are_refused() -> None:
    """A panel is of as many institutions as it has members."""
    roster = dataclasses.replace(make_roster(), revoked=())
    manifest = make_manifest(roster)
    check_against_roster(manifest, roster)
    panel = ("reviewer-1", "reviewer-2", "reviewer-5")  # both of the north
    with pytest.raises(PanelInstitutionError):
        check_against_roster(dataclasses.replace(manifest, panel=panel), roster)


def test_parts_are_in_one_order_and_complete() -> None:
    """Exactly the parts that follow from the quorums, then the attachments, in order."""
    manifest = make_manifest(attachments=2)
    assert [part.name for part in manifest.parts] == [
        "left",
        "compartment/petition",
        "compartment/identity",
        "share/petition/1",
        "share/petition/2",
        "share/petition/3",
        "share/identity/1",
        "share/identity/2",
        "share/identity/3",
        "share/identity/4",
        "share/identity/5",
        "attachment/1",
        "attachment/2",
    ]


def _swapped(manifest: Manifest) -> Manifest:
    parts = manifest.parts
    return dataclasses.replace(manifest, parts=(parts[1], parts[0], *parts[2:]))


def _under_other_holders(manifest: Manifest) -> Manifest:
    petition, identity = manifest.compartments
    lines = (
        dataclasses.replace(petition, role="trustee"),
        dataclasses.replace(identity, role="gatekeeper"),
    )
    return dataclasses.replace(manifest, compartments=lines)


@pytest.mark.parametrize(
    "change",
    [
        _swapped,
        _under_other_holders,
        lambda m: dataclasses.replace(m, parts=m.parts[1:]),
        lambda m: dataclasses.replace(m, parts=m.parts[:8]),
        lambda m: dataclasses.replace(m, parts=(*m.parts, m.parts[-1])),
        lambda m: dataclasses.replace(m, commitments=m.commitments[1:]),
        lambda m: dataclasses.replace(m, commitments=m.commitments[::-1]),
        lambda m: dataclasses.replace(m, compartments=m.compartments[::-1]),
        lambda m: dataclasses.replace(m, compartments=m.compartments[:1]),
        lambda m: dataclasses.replace(m, panel=("reviewer-1",) * 3),
        lambda m: dataclasses.replace(m, panel=tuple(f"reviewer-{n}" for n in range(17))),
        manifest_quorum(0, 4, 3),
        manifest_quorum(0, 0, 3),
    ],
)
def test_lines_out_of_place_are_refused(change: Change) -> None:
    """A manifest with a line missing, too much, twice or out of order is none."""
    with pytest.raises(TextError):
        Manifest.parse(change(make_manifest()).to_bytes())


def test_attachments_are_told_from_other_parts() -> None:
    """In order, from number 1; a manifest without them has none."""
    manifest = make_manifest(attachments=2)
    assert manifest.attachments == (manifest.part("attachment/1"), manifest.part("attachment/2"))
    assert make_manifest(attachments=0).attachments == ()


def test_more_than_sixty_four_attachments_are_refused() -> None:
    """A manifest has a limit that the server need not enforce by counting files."""
    with pytest.raises(TextError):
        Manifest.parse(make_manifest(attachments=MAX_ATTACHMENTS + 1).to_bytes())


def test_lines_are_found_by_name() -> None:
    """What is not there is refused rather than answered with nothing."""
    manifest = make_manifest()
    assert isinstance(manifest.compartment("identity"), CompartmentLine)
    assert manifest.part("share/identity/5").length == 4096
    assert manifest.commitment("petition", 3) == manifest.commitments[2].sha256
    for ask in (
        lambda: manifest.compartment("message/1"),
        lambda: manifest.part("attachment/3"),
        lambda: manifest.commitment("petition", 4),
    ):
        with pytest.raises(ManifestError):
            ask()
