"""
Whoever reads logs, disks, wires and tables afterwards looks for the petitioner: promise P8.

One whole journey is lived, with refusals and silence in it; then everything that anybody kept is
searched for what must not be there. That the search finds what *is* there is tested too.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import BigInteger, Date, Integer, LargeBinary, SmallInteger, String, inspect

from dengwen_audit.note import Note
from dengwen_audit.tiles import FolderTiles, iter_bundles
from dengwen_keys.age.sizes import header_length, plaintext_length
from dengwen_keys.contents import IdentityPart
from dengwen_keys.padding import ATTACHMENT_BUCKETS, PETITION_BUCKETS
from dengwen_keys.petition_file import SealedPetition
from dengwen_keys.sealing import Attachment
from dengwen_keys.words import Words
from dengwen_submit.errors import DoorError
from dengwen_submit.withdrawal import sign_withdrawal
from dengwen_vault.logs import DAY_FORMAT, LINE_FORMAT
from tests.town import NAMED, Town
from tests.town_operator import Operator
from tests.town_people import OFFICE
from tests.town_wire import CALLER, Wire

SECRET = "the third sluice gate was never built"
TEXT = f"I was there when {SECRET}.\n"
FILE_NAME = "sluice-gate-7.jpg"
HEX = re.compile("[0-9a-f]{32}")
CLOCK_TIME = re.compile(r"[0-9]{1,2}:[0-9]{2}")
DAY = 86_400  # seconds


@dataclass(frozen=True)
class Lived:
    """A town after a journey, and everything that its services logged meanwhile."""

    town: Town
    log: str
    words: Words
    sealed: SealedPetition


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """Live through a journey once, for all searches."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter(LINE_FORMAT, DAY_FORMAT))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with Town(tmp_path_factory.mktemp("town")) as town:
            words, sealed = live(town)
            yield Lived(town, stream.getvalue(), words, sealed)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def live(town: Town) -> tuple[Words, SealedPetition]:
    """Let a named petitioner go through everything, with refusals on the way."""
    photo = Attachment.of_bytes(FILE_NAME, "image/jpeg", b"picture" * 1000)
    words, sealed = town.seal(TEXT, identity=NAMED, language="qya", attachments=[photo])
    with pytest.raises(DoorError):
        town.send(sealed.letter()[:-1])
    town.send(sealed.letter())
    town.send(sealed.letter())
    with pytest.raises(DoorError):
        town.attach(sealed, 1, sealed.parts["attachment/1"][:-1])
    town.attach(sealed, 1)
    town.attach(sealed, 1)
    with pytest.raises(DoorError):
        town.follow_up(Words.generate())
    town.tick()
    assert town.asked_and_opened(sealed).petition.body == TEXT
    town.tick()
    with town.away("gk-2", "mirror-1", polling=True):
        assert town.follow_up(words).is_complete
    caught = town.office.door.requests[-1]
    assert town.session.send(caught).status_code == 401
    withdrawal = sign_withdrawal(OFFICE, words).to_bytes()
    town.door_client().case(words.signing_key()).state(withdrawal, at_once=True)
    town.tick()
    town.post(town.request(sealed.manifest.panel[1], sealed))
    assert not town.visit().breaches
    return words, sealed


def traces(lived: Lived) -> dict[str, bytes]:
    """Return what would tell of her, by what it is."""
    signing_key = lived.words.signing_key().verification_key.public_key
    found = {
        "her text": SECRET,
        "a file's name": FILE_NAME,
        "her words": lived.words.to_text("english"),
        "her words in Chinese": lived.words.to_text("chinese_simplified"),
        "her name": NAMED.name or "",
        "her contact": NAMED.contact or "",
        "her address": NAMED.address or "",
        "her language": "language qya",
        "where she asked from": CALLER["REMOTE_ADDR"],
        "what a proxy said of that": CALLER["HTTP_X_FORWARDED_FOR"],
        "what she asked with": CALLER["HTTP_USER_AGENT"],
        "where she came from": "how+to+petition",
        "a cookie of somebody's": "0815-4711",
    }
    secrets = {
        "the entropy of her words": lived.words.entropy,
        "her half of the lock": lived.words.left(),
        "her signing seed": lived.words.signing_key().seed,
    }
    assert signing_key not in secrets.values()
    return {name: text.encode() for name, text in found.items()} | secrets


def test_the_logs_say_what_kind_of_thing_happened_and_no_more(lived: Lived) -> None:
    """No line of any service names a case, a person, an address, a path or an hour."""
    log = lived.log
    assert "POST /v1/petitions 2xx" in log
    assert "POST /v1/petitions 4xx" in log
    assert "PUT /v1/attachments/<number> 2xx" in log
    assert "PUT /v1/attachments/<number> 4xx" in log
    assert "released" in log
    assert "refused: case-withdrawn" in log

    for name, trace in traces(lived).items():
        assert trace.decode("latin-1") not in log, name
        assert trace.hex() not in log, name
    assert not HEX.findall(log)
    assert not CLOCK_TIME.findall(log)
    assert not [name for name in lived.sealed.manifest.panel if name in log]
    days = {line.split(" ")[0] for line in log.splitlines()}
    assert all(re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", day) for day in days)


def test_no_file_of_anybody_tells_of_her(lived: Lived) -> None:
    """Database, public folder, gatekeepers' and mirror's memories: none holds a trace of her."""
    files = [file for file in lived.town.folder.rglob("*") if file.is_file()]
    kinds = {file.name for file in files}
    assert {"vault.sqlite3", "store.sqlite3", "mirror.sqlite", "checkpoint"} <= kinds
    for file in files:
        data = file.read_bytes()
        for name, trace in traces(lived).items():
            assert trace not in data, (file.name, name)


def test_the_search_finds_what_is_there(lived: Lived) -> None:
    """The same search for what must be there does find it, and what is sealed in one place only."""
    case, left = bytes(lived.sealed.manifest.case), lived.sealed.parts["left"][:100]
    database = b"".join(file.read_bytes() for file in lived.town.folder.rglob("vault.sqlite3*"))
    sealed = b"".join(file.read_bytes() for file in lived.town.folder.rglob("sealed/*"))
    assert case in database
    assert case.hex().encode() in database
    assert left in sealed
    assert left not in database
    assert case not in sealed
    assert case.hex().encode() in sealed  # her manifest


def wires(town: Town) -> list[Wire]:
    """Return every wire of a town."""
    return [town.office.door, town.office.desk, *(house.wire for house in town.houses)]


def test_nothing_but_sealed_bytes_went_over_the_wires(lived: Lived) -> None:
    """What door, desk and every holder were sent holds no trace of her beyond what she sealed."""
    sent = [body for wire in wires(lived.town) for body in wire.bodies]
    assert any(lived.sealed.parts["left"] in body for body in sent)
    texts = {name: trace for name, trace in traces(lived).items() if name.startswith("her ")}
    for body in sent:
        assert not [name for name, trace in texts.items() if trace in body]


def test_no_answer_sets_a_cookie(lived: Lived) -> None:
    """No server of the town gives a visitor anything to be known by."""
    for wire in (
        lived.town.office.door,
        lived.town.office.desk,
        *(h.wire for h in lived.town.houses),
    ):
        assert wire.calls
        assert not wire.headers & {"set-cookie", "etag-id", "x-request-id", "server-timing"}


@pytest.mark.parametrize("length", [1, 100, 4000, 9000, 20_000, 100_000])
def test_only_bucket_sizes_travel(town: Town, length: int) -> None:
    """Texts of different lengths in one bucket give files of one length; so do named and not."""
    whole, compartments = set(), set()
    for text in ("a" * length, "b" * (length - length // 50)):
        for identity in (NAMED, IdentityPart()):
            _, sealed = town.seal(text + "\n", identity=identity)
            whole.add(len(sealed.to_bytes()))
            compartments.add(sealed.manifest.part("compartment/petition").length)
    (sealed_length,) = compartments
    assert plaintext_length(sealed_length - header_length(1)) in PETITION_BUCKETS
    assert len(whole) == 1


@pytest.mark.parametrize("length", [0, 1, 60_000, 70_000, 300_000])
def test_attachments_travel_in_buckets(town: Town, length: int) -> None:
    """A file's own length is not to be seen: only which bucket it fell into."""
    pairs = ((length, "a.txt"), (length + 1, "a-much-longer-name-of-a-file.txt"))
    parts = []
    for size, name in pairs:
        file = Attachment.of_bytes(name, "text/plain", bytes(size))
        _, sealed = town.seal(attachments=[file])
        parts.append(sealed.manifest.part("attachment/1").length)
    assert parts[0] == parts[1]
    assert plaintext_length(parts[0] - header_length(1)) in ATTACHMENT_BUCKETS


def test_no_table_has_a_column_for_a_time(lived: Lived) -> None:
    """Columns hold bytes, names, numbers and days; no database type that knows an hour."""
    engine = lived.town.office.vault.store.engine
    plain = (LargeBinary, String, BigInteger, Integer, SmallInteger, Date)
    for table in inspect(engine).get_table_names():
        for column in inspect(engine).get_columns(table):
            kind = column["type"].as_generic()
            is_flag = str(column["type"]) == "BOOLEAN"
            assert isinstance(kind, plain) or is_flag, (table, column["name"], kind)


def test_no_number_in_a_table_is_a_time(lived: Lived) -> None:
    """No number in any row is a second, or a millisecond, of the days of the journey."""
    town = lived.town
    operator, now = Operator(town), town.clock()
    near = [(now * scale - DAY * 30 * scale, now * scale + DAY * scale) for scale in (1, 1e3, 1e6)]
    seen = 0
    for table in inspect(town.office.vault.store.engine).get_table_names():
        for row in operator.read(f"SELECT * FROM {table}"):  # noqa: S608  # ours
            numbers = [value for value in row if isinstance(value, int | float)]
            seen += len(numbers)
            assert not [n for n in numbers for low, high in near if low <= n <= high], table
    assert seen


def test_only_nonces_that_name_nobody_are_finer_than_a_day(lived: Lived) -> None:
    """The one table with ten-minute windows holds a hash and nothing that joins it to a case."""
    rows = Operator(lived.town).read("SELECT * FROM used_nonce")
    columns = inspect(lived.town.office.vault.store.engine).get_columns("used_nonce")
    assert {column["name"] for column in columns} == {"hash", "window"}
    assert rows
    key = lived.words.signing_key().verification_key.public_key
    assert not [row for row in rows if row[0] in {key, lived.sealed.manifest.case}]


def test_days_are_all_that_is_told_of_when(lived: Lived) -> None:
    """Acceptance, events and rows about a case give a day in UTC and nothing finer."""
    operator, case = Operator(lived.town), lived.sealed.manifest.case
    ((day,),) = operator.read("SELECT day FROM petition WHERE case_id = :case", case=case)
    assert str(day) == "2025-01-10"
    texts = [text for (text,) in operator.read("SELECT text FROM event")]
    texts += [Note.parse(note).text for (note,) in operator.read("SELECT note FROM cause")]
    papers = operator.papers(case)
    texts += [Note.parse(note).text for note in (papers.manifest, papers.acceptance)]
    assert texts
    for text in texts:
        assert not CLOCK_TIME.findall(text.decode())
        assert not re.findall(rb"(?<![0-9a-f])17[0-9]{8}(?![0-9a-f])", text)


def test_the_public_log_shows_one_equal_record_a_tick(lived: Lived) -> None:
    """Ticks with many events and ticks with none look alike: one record of one length."""
    source = FolderTiles(lived.town.public / "log")
    size = lived.town.checkpoint().size
    records = [record for _, some in iter_bundles(source, 0, size) for record in some]
    events = Operator(lived.town).read("SELECT epoch, count(*) FROM event GROUP BY epoch")
    assert len({count for _, count in events}) > 1
    assert len(records) == size
    assert len({len(record) for record in records}) == 1
