"""
The operator of a town as an adversary: she has the machine, the database and the log's key.

Nothing here is checked by anything of the office's own: rows are written as she likes them.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from sqlalchemy import insert, text

from dengwen_audit.note import Note
from dengwen_audit.statements.answer import Answer
from dengwen_audit.statements.manifest import Manifest
from dengwen_audit.text import parse_base64
from dengwen_keys.gatekeeper.answers import Reason
from dengwen_keys.released import Asked
from dengwen_vault.database import insert_new
from dengwen_vault.line import NewEvent, join_line
from dengwen_vault.models import Request, Work
from dengwen_vault.papers import Papers, fill_slot, read_papers
from dengwen_vault.parts import read_all_parts
from tests.town import Town
from tests.town_office import OfficeHouse
from tests.town_reviewer import read_answer


class Operator:
    """What the operator of *town* can do."""

    def __init__(self, town: Town) -> None:
        """Be her."""
        self.town = town

    def run(self, statement: str, **values: object) -> int:
        """Change the database by an SQL statement; return how many rows were changed."""
        with self.town.office.vault.store.writing() as connection:
            changed: int = connection.execute(text(statement), values).rowcount
            return changed

    def read(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        """Return what an SQL query finds in the database."""
        with self.town.office.vault.store.reading() as connection:
            return [tuple(row) for row in connection.execute(text(query), values)]

    def parts(self, manifest: Manifest) -> bytes:
        """Return the sealed parts of a case, past every door."""
        vault = self.town.office.vault
        with vault.store.reading() as connection:
            return read_all_parts(connection, vault.segments, manifest)

    def papers(self, case: bytes) -> Papers:
        """Return manifest and acceptance of a case, past every door."""
        vault = self.town.office.vault
        with vault.store.reading() as connection:
            return read_papers(connection, vault.segments, case)

    def swap_papers(self, case: bytes, papers: Papers) -> None:
        """Put other papers in the row of a case, which then counts before its slot."""
        self.run(
            "UPDATE petition SET note = :note, acceptance = :acceptance WHERE case_id = :case",
            note=papers.manifest,
            acceptance=papers.acceptance,
            case=case,
        )

    def swap_parts(self, case: bytes, parts: bytes) -> None:
        """Lay other sealed parts where those of a case lie."""
        held = fill_slot(parts, self.papers(case))
        ((segment, slot),) = self.read(
            "SELECT segment, slot FROM petition WHERE case_id = :case", case=case
        )
        with (self.town.office.folder / "sealed" / segment).open("r+b") as file:
            file.seek(slot * int(segment.partition("-")[0]))
            file.write(len(held).to_bytes(4, "big") + held)

    def delete_case(self, case: bytes) -> None:
        """Delete every trace of a case."""
        mine = "SELECT {} FROM {} WHERE case_id = :case"
        for key, table in (("cause", "pending_event"), ("cause", "event")):
            found = mine.format(key, table)
            self.run(f"DELETE FROM cause WHERE hash IN ({found})", case=case)  # noqa: S608  # ours
        for table in ("work", "answer"):
            found = mine.format("hash", "request")
            self.run(f"DELETE FROM {table} WHERE request IN ({found})", case=case)  # noqa: S608  # ours
        for table in (
            *("reception", "pending_event", "event", "request", "panel"),
            *("attachment", "petition"),
        ):
            self.run(f"DELETE FROM {table} WHERE case_id = :case", case=case)  # noqa: S608  # ours

    def log(self, kind: str, case: bytes, actor: str, cause: Note) -> None:
        """Write any event into the log, whoever signed its cause."""
        with self.town.office.vault.store.writing() as connection:
            join_line(connection, NewEvent(kind, case, actor, cause))
        self.town.tick()

    def log_request(
        self,
        asked: Asked,
        *,
        kind: str = "open.requested",
        actor: str = "",
        case: bytes = b"",
    ) -> None:
        """Log a request that the desk would not take, and lay it before the gatekeepers."""
        request = asked.request
        actor, case = actor or request.requester, case or request.case
        with self.town.office.vault.store.writing() as connection:
            join_line(connection, NewEvent(kind, case, actor, asked.note))
        self.lay_before_gatekeepers(asked, actor, case)
        self.town.tick()
        self.town.poll()

    def lay_before_gatekeepers(self, asked: Asked, actor: str, case: bytes) -> None:
        """List a request, known or not, for every gatekeeper."""
        row = {"hash": asked.hash, "case_id": case, "requester": actor, "compartment": "petition"}
        work = {"role": "gatekeeper", "request": asked.hash, "until": self.town.roster.valid_until}
        seats = range(1, self.town.roster.gatekeepers.n + 1)
        with self.town.office.vault.store.writing() as connection:
            insert_new(connection, Request, row)
            connection.execute(insert(Work), [work | {"seat": seat} for seat in seats])

    def answers_posted(self) -> list[str]:
        """Return every answer that a holder has posted to the desk, as it was posted."""
        sent = self.town.office.desk.requests
        bodies = (request.body for request in sent if str(request.url).endswith("/v1/answers"))
        return [body.decode() for body in bodies if isinstance(body, bytes)]

    def answered(self, asked: Asked) -> dict[str, str]:
        """Return by holder why it refused a request, or "released", whatever the desk took."""
        answers: dict[str, str] = {}
        for posted in map(json.loads, self.answers_posted()):
            note, sealed = posted["note"].encode(), parse_base64(posted["sealed"], "sealed")
            if Answer.parse(Note.parse(note).text).request != asked.hash:
                continue
            answer, plaintext = read_answer(asked.fresh, note, sealed)
            code = "released" if answer.is_release else Reason.unpad(plaintext).code
            answers[answer.holder] = code
        return answers

    def reasons(self, asked: Asked) -> set[str]:
        """Return why the gatekeepers refused, all of them."""
        answers = self.answered(asked)
        assert answers.keys() == self.town.gatekeepers.keys(), "not everybody answered"
        return set(answers.values())

    def copy(self, name: str) -> Path:
        """Copy the whole data folder, database and public files included."""
        folder = self.town.folder / name
        with self.town.office.stopped():
            shutil.copytree(self.town.office.folder, folder)
        return folder

    def second_office(self, folder: Path) -> OfficeHouse:
        """Return another office with the same keys, on a copy of the folder; nobody sees it yet."""
        return OfficeHouse(folder, self.town.card, self.town.network, self.town.clock)

    def replace_by(self, second: OfficeHouse) -> None:
        """Close the town's office, and lead everybody to a second one."""
        second.close()
        self.town.office.close()
        self.town.office = self.second_office(second.folder)
        self.town.office.open()
