"""What the petitioner says of her own case, signed with the case key."""

from __future__ import annotations

from dengwen_audit.note import Note, sign_note
from dengwen_audit.statements.fields import CaseId
from dengwen_audit.statements.manifest import case_id
from dengwen_audit.statements.statement import Statement
from dengwen_keys.words import Words


def case_of(words: Words) -> CaseId:
    """Return the case that these receipt words belong to; nothing is looked up."""
    signing_key = words.signing_key().verification_key.public_key
    return case_id(signing_key, words.mailbox().recipient.text)


def sign_withdrawal(office: str, words: Words) -> Note:
    """Return the signed statement that withdraws the petition of these *words*."""
    statement = Statement(office, case_of(words), "case.withdrawn")
    return sign_note(statement.to_bytes(), words.signing_key())
