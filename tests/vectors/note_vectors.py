"""The vectors of what is signed: texts, notes, checkpoints, cosignatures, policies."""

from __future__ import annotations

from dataclasses import replace

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.cosignature import Cosigner
from dengwen_audit.merkle import Hash, root
from dengwen_audit.note import COSIGNATURE_V1, Note, NoteSignature, SigningKey, sign_note
from tests.small_log import (
    LOG_KEY,
    NAMES,
    NOON,
    ORIGIN,
    WITNESS_KEYS,
    SmallLog,
    policy_text,
    seed,
)
from tests.vectors.ed25519_edges import edges
from tests.vectors.spelling import Case, spelt, to_cases, vector_file


def text_vectors() -> Case:
    """Return the vectors of texts."""
    good = b"dengwen/example/v1\nname some value\ncount 7\n"
    bad = {
        "another kind": good.replace(b"v1", b"v2"),
        "the last line does not end": good[:-1],
        "CR LF": good.replace(b"\n", b"\r\n"),
        "an empty line at the end": good + b"\n",
        "a line twice": good + b"count 7\n",
        "two spaces before the value": good.replace(b"name ", b"name  "),
        "a space after the value": good.replace(b"value", b"value "),
        "a no-break space after the value": good.replace(b"value", "value\u00a0".encode()),
        "an ideographic space before the value": good.replace(b"some", "\u3000some".encode()),
        "a tab in the value": good.replace(b"some ", b"some\t"),
        "DEL in the value": good.replace(b"some ", b"some\x7f"),
        "NEL in the value": good.replace(b"some ", "some\u0085".encode()),
        "a paragraph separator in the value": good.replace(b"some ", "some\u2029".encode()),
        "a byte order mark before the kind": "\ufeff".encode() + good,
        "not UTF-8": good.replace(b"some", b"\xff"),
        "an overlong spelling": good.replace(b"some", b"\xc0\xaf"),
        "a surrogate": good.replace(b"some", b"\xed\xa0\x80"),
        "a leading zero": good.replace(b"7", b"07"),
        "a number with a plus": good.replace(b"7", b"+7"),
        "a number beyond 2**53 - 1": good.replace(b"7", b"9007199254740992"),
        "a full-width digit": good.replace(b"7", "７".encode()),
    }
    cases: list[Case] = [
        {"comment": comment, "expect": "ok", "hex": data.hex(), "name": name, "count": count}
        for comment, data, name, count in (
            ("plain", good, "some value", "7"),
            (
                "Chinese, and the largest number",
                good.replace(b"some value", "申诉 与 控告".encode()).replace(
                    b"7", b"9007199254740991"
                ),
                "申诉 与 控告",
                "9007199254740991",
            ),
            (
                "a byte order mark inside and at the end of a value is a character like others",
                good.replace(b"some value", "a\ufeffb\ufeff".encode()),
                "a\ufeffb\ufeff",
                "7",
            ),
        )
    ]
    cases += [
        {"comment": comment, "expect": "format", "hex": data.hex()} for comment, data in bad.items()
    ]
    return vector_file(
        "A text of kind dengwen/example/v1 with the lines name (any value) and count (a number), "
        "at most 100 bytes. expect: ok, or format = refused.",
        cases=cases,
    )


def note_vectors() -> Case:
    """Return the vectors of notes, and of the edges of Ed25519."""
    anna, bela = (SigningKey(f"example.org/{name}", seed(name)) for name in ("a", "b"))
    alias = SigningKey("example.org/alias", anna.seed)
    text = "dengwen/example/v1\nname 申诉\n".encode()
    good = sign_note(text, anna, bela)
    stranger = NoteSignature("example.org/stranger", bytes(9))
    wrong = NoteSignature(anna.name, anna.sign(b"another\n").blob)
    text_of = good.to_bytes().decode()
    rows: list[tuple[str, str, list[SigningKey], int, str]] = [
        ("two signers", "ok", [anna, bela], 2, text_of),
        ("an unknown signer beside them", "ok", [anna], 1, spelt(good.signed_by(stranger))),
        ("a text with an empty line", "ok", [anna], 1, spelt(sign_note(b"a\n\nb\n", anna))),
        ("too few", "signature", [anna], 2, text_of),
        ("no known key", "signature", [], 1, text_of),
        (
            "one key under two names counts once",
            "signature",
            [anna, alias],
            2,
            spelt(sign_note(text, anna, alias)),
        ),
        (
            "a wrong line by a known key, after a right one",
            "signature",
            [anna],
            1,
            spelt(good.signed_by(wrong)),
        ),
        ("another text", "signature", [anna], 1, text_of.replace("申诉", "申訴")),
        ("no signature line", "format", [anna], 1, text.decode() + "\n"),
        ("no empty line", "format", [anna], 1, text_of.replace("\n\n", "\n")),
        ("a hyphen for the dash", "format", [anna], 1, text_of.replace("—", "-")),
        ("base64 without padding", "format", [anna], 1, text_of.replace("=", "")),
        ("a line after the signatures", "format", [anna], 1, text_of + "more\n"),
        ("the last line does not end", "format", [anna], 1, text_of[:-1]),
        ("a control character", "format", [anna], 1, text_of.replace("name", "na\x01me")),
    ]
    notes = [
        {
            "comment": comment,
            "expect": expect,
            "keys": [key.verification_key.to_text() for key in keys],
            "threshold": threshold,
            "note": note,
        }
        for comment, expect, keys, threshold, note in rows
    ]
    return vector_file(
        "notes: keys that are known and how many of them must have signed; expect: ok, format, or "
        "signature. ed25519: expect ok or signature; the libraries of the two languages disagree "
        "on these unless told to be strict.",
        notes=notes,
        ed25519=edges(),
    )


def checkpoint_vectors() -> Case:
    """Return the vectors of checkpoints."""
    good = Checkpoint(ORIGIN, 70, Hash(seed("root"))).to_bytes().decode()
    empty = Checkpoint(ORIGIN, 0, root([])).to_bytes().decode()
    published = (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )
    rows = [
        ("a checkpoint", "ok", good),
        ("of the empty log", "ok", empty),
        ("the example printed in C2SP tlog-cosignature.md", "ok", published),
        ("of the empty log, with another root", "format", good.replace("\n70\n", "\n0\n")),
        ("an extension line", "format", good + "more\n"),
        ("no root", "format", good.rsplit("\n", 2)[0] + "\n"),
        ("a root of 31 bytes", "format", f"{ORIGIN}\n70\n{'A' * 42}==\n"),
        ("a leading zero", "format", good.replace("\n70\n", "\n070\n")),
        ("no origin", "format", good.replace(ORIGIN, "")),
        ("a space in the origin", "format", good.replace(ORIGIN, "a log")),
        ("a plus in the origin", "format", good.replace(ORIGIN, "a+log")),
        ("a size beyond 2**53 - 1", "format", good.replace("70", "9007199254740992")),
        ("the last line does not end", "format", good[:-1]),
    ]
    return vector_file(
        "The text of a checkpoint, without signatures.", cases=to_cases(rows, "text")
    )


def cosignature_vectors() -> Case:
    """Return the vectors of cosignatures."""
    text = Checkpoint(ORIGIN, 70, Hash(seed("root"))).to_bytes()
    key = WITNESS_KEYS["hill"]
    other = WITNESS_KEYS["lake"]
    line = Cosigner(key).cosign(text, NOON)
    later = NoteSignature(line.name, line.blob[:11] + b"\xff" + line.blob[12:])
    plain = SigningKey(key.name, key.seed).sign(text)
    posing = NoteSignature(key.name, line.key_id + Cosigner(other).cosign(text, NOON).signature)
    short = NoteSignature(line.name, line.blob[:-1])
    rows = [
        ("by the witness, at a time", "ok", line),
        ("at the time zero", "ok", Cosigner(key).cosign(text, 0)),
        ("with its time changed", "signature", later),
        ("by another witness", "signature", Cosigner(other).cosign(text, NOON)),
        ("by another witness under this one's name and id", "signature", posing),
        ("a signature of the text itself, of type 0x01", "signature", plain),
        ("a byte too short", "signature", short),
    ]
    cases = [
        {"comment": comment, "expect": expect, "line": line.to_line()}
        for comment, expect, line in rows
    ]
    cases[0]["time"], cases[1]["time"] = str(NOON), "0"
    return vector_file(
        "A line of a checkpoint by the witness with this key. The seed's label is 'hill'.",
        key=key.verification_key.to_text(),
        text=text.decode(),
        cases=cases,
    )


def policy_vectors() -> Case:
    """Return the vectors of policies, and of checkpoints judged by them."""
    good = policy_text()
    note = SmallLog([seed("entry")]).note
    nested = (
        good.replace("group witnesses 4 hill lake moor pass ford\nquorum witnesses\n", "")
        + "# two of three, and one of two\n\n \tgroup\tdry 2 hill moor pass\n"
        + "group wet any lake ford\ngroup both all dry wet\nquorum both"
        + "\t\n"
    )
    none = good.replace("quorum witnesses", "quorum none")
    checks: list[tuple[str, str, str, Note]] = [
        ("four of five, as asked", "ok", good, note()),
        ("three of five", "policy", good, note(NAMES[:3])),
        ("five, the same one twice", "policy", good, note(("hill", "hill", "lake", "moor"))),
        ("both groups", "ok", nested, note(("hill", "pass", "ford"))),
        ("one group only", "policy", nested, note(("hill", "moor", "pass"))),
        ("no witness asked and none there", "ok", none, note(())),
        ("not signed by the log", "signature", good, _without(note(), LOG_KEY.name)),
        ("a witness's line is wrong", "signature", none, _spoilt(note())),
        ("of another origin", "signature", good, _of_another_origin()),
        ("not a checkpoint", "format", good, sign_note(b"dengwen/example/v1\n", LOG_KEY)),
    ]
    return vector_file(
        "files: expect ok or format; minimum is the size of the smallest quorum. "
        "checks: a checkpoint judged by a policy; expect ok, format, signature or policy.",
        files=_policy_files(good, nested, none),
        checks=[
            {"comment": comment, "expect": expect, "policy": policy, "note": spelt(note)}
            for comment, expect, policy, note in checks
        ],
    )


def _policy_files(good: str, nested: str, none: str) -> list[Case]:
    log_line, hill_line = good.splitlines()[:2]
    hill = WITNESS_KEYS["hill"]
    as_note_key = SigningKey(hill.name, hill.seed).verification_key.to_text()
    as_witness = SigningKey(LOG_KEY.name, LOG_KEY.seed, COSIGNATURE_V1).verification_key.to_text()
    last = "quorum witnesses"
    bad = {
        "no quorum": good.replace(f"{last}\n", ""),
        "two quorums": f"{good}{last}\n",
        "a quorum before its group": f"{last}\n" + good.replace(f"{last}\n", ""),
        "a quorum of an unknown name": good.replace(last, "quorum others"),
        "a group of an unknown name": good.replace("4 hill", "4 hull"),
        "a member twice": good.replace("hill lake", "hill hill lake"),
        "a member of two groups": good.replace(last, f"group again any hill\n{last}"),
        "a group of none": good.replace("4 hill lake moor pass ford", "all"),
        "a threshold of zero": good.replace("witnesses 4", "witnesses 0"),
        "a threshold above the members": good.replace("witnesses 4", "witnesses 6"),
        "a threshold with a leading zero": good.replace("witnesses 4", "witnesses 04"),
        "a name twice": good.replace("witness lake", "witness hill"),
        "a witness named none": good.replace("witness lake", "witness none"),
        "a key twice": good.replace(last, f"{hill_line.replace(' hill ', ' hull ')}\n{last}"),
        "a log twice": f"{log_line}\n{good}",
        "a log's key as a witness": good.replace(last, f"witness log {as_witness}\n{last}"),
        "a note key as a witness": good.replace(hill.verification_key.to_text(), as_note_key),
        "an unknown line": good.replace(last, f"wishes all\n{last}"),
        "a word too many": good.replace(last, f"{last} please"),
        "the last line does not end": good[:-1],
        "CR LF": good.replace("\n", "\r\n"),
        "a no-break space": good.replace("group ", "group\u00a0"),
        "empty": "",
    }
    rows: list[Case] = [
        {"comment": comment, "expect": "ok", "policy": policy, "minimum": minimum}
        for comment, policy, minimum in (
            ("four of five", good, 4),
            ("nested groups, comments, white space", nested, 3),
            ("no witness", none, 0),
            ("a single witness", good.replace(last, "quorum lake"), 1),
            ("any", good.replace("witnesses 4", "witnesses any"), 1),
            ("all", good.replace("witnesses 4", "witnesses all"), 5),
        )
    ]
    rows += [
        {"comment": comment, "expect": "format", "policy": policy}
        for comment, policy in bad.items()
    ]
    return rows


def _without(note: Note, name: str) -> Note:
    return Note(note.text, tuple(line for line in note.signatures if line.name != name))


def _spoilt(note: Note) -> Note:
    """Return *note* with the last bit of its last line changed."""
    *lines, last = note.signatures
    return Note(
        note.text, (*lines, replace(last, blob=last.blob[:-1] + bytes([last.blob[-1] ^ 1])))
    )


def _of_another_origin() -> Note:
    text = Checkpoint("other.example/log", 1, Hash(seed("root"))).to_bytes()
    return sign_note(text, LOG_KEY)
