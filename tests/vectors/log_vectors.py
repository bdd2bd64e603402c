"""
Makes the vector files of the log's formats: `python -m tests.vectors.log_vectors` writes them.

Everything comes from fixed seeds, so that the files can be made again by anyone, byte for byte; a
test does. What is expected of each case is written by hand, not asked of the code under test. The
browser's readers are held against the same files.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dengwen_audit.epoch import Record
from dengwen_audit.merkle import Hash, consistency_proof, inclusion_proof, leaf_hash, root
from dengwen_audit.receipt import build_latest, build_receipt
from tests.small_log import NAMES, NOON, ORIGIN, POLICY, seed
from tests.vectors.note_vectors import (
    checkpoint_vectors,
    cosignature_vectors,
    note_vectors,
    policy_vectors,
    text_vectors,
)
from tests.vectors.samples import office_events, sample_epoch, sample_events, sample_log
from tests.vectors.spelling import Case, spelt, to_cases, to_json, vector_file

FOLDER = Path(__file__).parent


def vectors() -> dict[str, Case]:
    """Return the content of each vector file by its name."""
    return {
        "text": text_vectors(),
        "note": note_vectors(),
        "merkle": _merkle(),
        "checkpoint": checkpoint_vectors(),
        "cosignature": cosignature_vectors(),
        "policy": policy_vectors(),
        "event": _event(),
        "epoch": _epoch(),
        "proof": _proof(),
        "receipt": _receipt(),
    }


def _merkle() -> Case:
    entries = [seed(f"entry {number}")[: number % 33] for number in range(70)]
    leaves = [leaf_hash(entry) for entry in entries]
    roots = [root(leaves[:size]).hex() for size in range(len(leaves) + 1)]
    inclusion = [
        {"size": size, "index": index, "proof": _hexes(inclusion_proof(leaves, index, size))}
        for size, index in ((1, 0), (2, 1), (3, 2), (7, 0), (7, 6), (8, 3), (33, 32), (70, 41))
    ]
    consistency = [
        {"old": old, "size": size, "proof": _hexes(consistency_proof(leaves, old, size))}
        for old, size in ((1, 2), (2, 3), (3, 7), (4, 7), (6, 8), (7, 7), (32, 33), (45, 70))
    ]
    return vector_file(
        "entries in hexadecimal; roots[n] is the root over the first n; every proof listed is good "
        "for those roots, and with any byte changed, or a hash more or less, it is not.",
        entries=[entry.hex() for entry in entries],
        roots=roots,
        inclusion=inclusion,
        consistency=consistency,
    )


def _event() -> Case:
    event = sample_events()[1]
    good = event.to_bytes().decode()
    office = office_events()[0].decode()
    bad = {
        "a type not of the list": good.replace("open.requested", "open.sesame"),
        "a number zero": good.replace("number 2", "number 0"),
        "a case's type in the office's chain": good.replace(event.case.hex(), "0" * 64),
        "an office's type in a case": office.replace("0" * 64, event.case.hex()),
        "an actor that the type does not allow": good.replace("reviewer-7", "petitioner"),
        "no such day": good.replace("2026-02-02", "2026-02-30"),
        "a salt of 31 bytes": good.replace(event.salt.hex(), event.salt.hex()[2:]),
        "hexadecimal in capitals": good.replace(event.case.hex(), event.case.hex().upper()),
        "another order": good.replace(
            "actor reviewer-7\nday 2026-02-02", "day 2026-02-02\nactor reviewer-7"
        ),
        "a line more": good + "note hello\n",
        "another version": good.replace("/v1", "/v2"),
    }
    cases: list[Case] = [
        {
            "comment": f"event {number}",
            "expect": "ok",
            "event": event.to_bytes().decode(),
            "hash": event.hash.hex(),
        }
        for number, event in enumerate(sample_events(), start=1)
    ]
    cases += [
        {
            "comment": "of the office",
            "expect": "ok",
            "event": office,
            "hash": leaf_hash(office.encode()).hex(),
        }
    ]
    cases += [{"comment": key, "expect": "format", "event": value} for key, value in bad.items()]
    return vector_file(
        "hash is the leaf's hash. The events numbered 1 to 3 form a chain that begins with "
        "first_previous.",
        first_previous=seed("manifest").hex(),
        cases=cases,
    )


def _epoch() -> Case:
    epoch = sample_epoch()
    good = epoch.record.to_bytes().decode()
    events_root = epoch.record.events_root.hex()
    rows = [
        ("a record", "ok", good),
        (
            "hexadecimal in capitals",
            "format",
            good.replace(events_root, events_root.upper()),
        ),
        ("a byte shorter", "format", good[:-1]),
        ("a byte longer", "format", good + "\n"),
        ("a space in a hash", "format", good[:30] + " " + good[31:]),
        ("the halves swapped", "format", "\n".join([good.split("\n")[i] for i in (0, 2, 1, 3)])),
        ("another version", "format", good.replace("/v1", "/v2")),
    ]
    return vector_file(
        "The epoch of these events, in the order given, under this seed and roster: positions says "
        "which leaf each of them is.",
        seed=seed("epoch").hex(),
        roster=seed("roster").hex(),
        events=[epoch.leaves[position].decode() for position in epoch.positions],
        positions=list(epoch.positions),
        leaves=[leaf.decode() for leaf in epoch.leaves],
        events_root=epoch.record.events_root.hex(),
        padded=[[0, 4], [1, 4], [4, 4], [5, 16], [16, 16], [17, 64], [64, 64], [65, 256]],
        records=to_cases(rows, "record"),
    )


def _proof() -> Case:
    log = sample_log()
    good = log.proof(6)
    text_of = good.to_bytes().decode()
    with_extra = replace(good, extra=b"whatever").to_bytes().decode()
    short = replace(good, path=good.path[1:])
    other = replace(good, index=7)
    unwitnessed = replace(good, checkpoint=log.note(NAMES[:3]))
    rows = [
        ("a proof", "ok", text_of),
        ("with extra", "ok", with_extra),
        ("of another index", "proof", spelt(other)),
        ("a hash missing", "proof", spelt(short)),
        ("an index beyond the log", "proof", text_of.replace("index 6", "index 11")),
        ("too few witnesses", "policy", spelt(unwitnessed)),
        ("signed by nobody", "signature", text_of.replace(f"— {ORIGIN} ", "— someone ")),
        ("an empty extra", "format", with_extra.replace("extra d2hhdGV2ZXI=", "extra ")),
        (
            "extra after index",
            "format",
            with_extra.replace("extra d2hhdGV2ZXI=\nindex 6\n", "index 6\nextra d2hhdGV2ZXI=\n"),
        ),
        ("no index", "format", text_of.replace("index 6\n", "")),
        ("an index with a leading zero", "format", text_of.replace("index 6", "index 06")),
        ("another version", "format", text_of.replace("proof@v1", "proof@v2")),
        ("CR LF", "format", text_of.replace("\n", "\r\n")),
    ]
    return vector_file(
        "expect: what comes of checking that entry is in the log, under this policy: ok, format, "
        "signature, policy or proof.",
        policy=POLICY.text,
        entry=log.entries[6].decode(),
        cases=to_cases(rows, "proof"),
    )


def _receipt() -> Case:
    log, epoch = sample_log(), sample_epoch()
    place = epoch.positions[1]
    good = build_receipt(epoch.leaves, place, seed("roster"), log.proof(6))
    text_of = good.to_bytes().decode()
    last = Record.parse(log.entries[10])
    latest = build_latest(last, log.proof(10)).decode()
    rows = [
        ("a receipt", "ok", text_of),
        ("another leaf", "proof", spelt(replace(good, leaf=place ^ 1))),
        ("another event", "proof", spelt(replace(good, event=sample_events()[2]))),
        ("another roster", "proof", spelt(replace(good, roster=seed("other")))),
        ("a shorter path", "format", spelt(replace(good, path=good.path[1:], leaf=0))),
        ("a leaf beyond the tree", "format", spelt(replace(good, leaf=16))),
        ("no path", "format", spelt(replace(good, path=(), leaf=0))),
        ("without extra", "format", spelt(good.proof)),
        (
            "too few witnesses",
            "policy",
            spelt(replace(good, proof=log.proof(6, log.note(NAMES[:3])))),
        ),
        ("a latest proof", "format", latest),
    ]
    early = build_latest(Record.parse(log.entries[6]), log.proof(6)).decode()
    latest_rows = [
        ("the last record", "ok", latest),
        ("an earlier record", "proof", early),
        (
            "the last record with another's extra",
            "proof",
            build_latest(Record.parse(log.entries[6]), log.proof(10)).decode(),
        ),
        ("a receipt", "format", text_of),
    ]
    return vector_file(
        "cases: receipts of the event. latest: latest proofs, judged at the time now with a "
        "largest age of 3600 seconds; 3600 seconds after median_time they are still good, a second "
        "later no longer.",
        policy=POLICY.text,
        event=good.event.to_bytes().decode(),
        now=NOON + 60,
        median_time=NOON + 1,
        cases=to_cases(rows, "receipt"),
        latest=to_cases(latest_rows, "proof"),
    )


def _hexes(hashes: list[Hash]) -> list[str]:
    return [value.hex() for value in hashes]


if __name__ == "__main__":
    for name, content in vectors().items():
        (FOLDER / f"{name}.json").write_text(to_json(content), encoding="utf-8")
