"""Nothing but the expected signatures: no foreign line travels with a statement."""

import pytest

from dengwen_audit.errors import SignatureError
from dengwen_audit.note import Note, NoteSignature, sign_note
from dengwen_audit.statements.signers import check_signed_by, check_signed_only_by
from tests.small_office import make_key

TEXT = b"dengwen/example/v1\n"
ANN, BEN, EVE = (make_key(name) for name in ("ann", "ben", "eve"))
KEYS = [ANN.verification_key, BEN.verification_key]


def test_one_line_by_the_key_is_accepted() -> None:
    """The note as its signer made it."""
    check_signed_by(sign_note(TEXT, ANN), ANN.verification_key)


@pytest.mark.parametrize(
    "note",
    [
        sign_note(TEXT, BEN),
        sign_note(TEXT, ANN, BEN),
        sign_note(TEXT, ANN, ANN),
        sign_note(TEXT, ANN).signed_by(NoteSignature("ad", b"four" + b"buy this" * 8)),
        Note(TEXT + b"more 1\n", sign_note(TEXT, ANN).signatures),
    ],
    ids=["another", "one more", "twice", "a foreign line", "another text"],
)
def test_any_other_line_is_refused(note: Note) -> None:
    """Another signer, a further one, the same twice, a line of no key, or a changed text."""
    with pytest.raises(SignatureError):
        check_signed_by(note, ANN.verification_key)


def test_signers_are_returned_and_counted() -> None:
    """Any of the keys may sign, as many as are asked for, in any order."""
    both = sign_note(TEXT, BEN, ANN)
    assert check_signed_only_by(both, KEYS, 2) == tuple(KEYS)
    with pytest.raises(SignatureError):
        check_signed_only_by(sign_note(TEXT, ANN), KEYS, 2)
    with pytest.raises(SignatureError):
        check_signed_only_by(both.signed_by(EVE.sign(TEXT)), KEYS, 2)
