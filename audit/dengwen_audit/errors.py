"""
What can go wrong on the ground floor, split by what the caller will do next.

A caller that serves HTTP maps each class to one status in ``web.py``; nobody else needs the number.
"""

from __future__ import annotations


class AuditError(Exception):
    """Any refusal of this package. The message names the step and never holds a secret."""


class FormatError(AuditError):
    """The bytes are not of the format they claim: refuse them, a retry will not help."""


class SignatureError(AuditError):
    """A signature is missing, unknown or wrong, or there are too few of them."""


class ProofError(AuditError):
    """Hashes do not lead where they should: an entry is not in that tree, or two trees disagree."""


class PolicyError(AuditError):
    """Too few witnesses vouch for a checkpoint: wait, or ask another source."""


class UnavailableError(AuditError):
    """A database on this machine cannot be read or written now: its disk is full, or it is busy."""


class RuleError(AuditError):
    """A well-formed, well-signed statement says something that the office's rules forbid."""
