"""
An office for faults, made in a moment: keys follow from names, and nothing is stretched.

Its people are those of `tests.town_people`; its addresses are real ports of the loopback address,
its days are today's, and its tick is one second, the shortest that a card may have.
"""

from __future__ import annotations

import dataclasses
import datetime
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from dengwen_audit.auditkey import AuditKey
from dengwen_audit.auditkey import write_key as write_audit_key
from dengwen_audit.note import Note
from dengwen_audit.statements.card import Card
from dengwen_audit.statements.roster import Roster
from dengwen_keys.keyfile import Cost, seal_keyfile
from dengwen_vault.settings import NONE, Settings, write_key
from dengwen_vault.setup import SQLITE_URL, init
from tests import town_people as people
from tests.small_office import make_key, make_seed
from tests.town_services import make_member_keys

TICK = 1  # seconds
DELAY = 3  # seconds within which a petition that is not urgent enters the log
HOLDERS = (*people.GATEKEEPERS, people.MIRROR)
SEQUENCERS = 2  # of the operator's machines, so many have the log key
PASSPHRASE = "not a secret"
_CHEAP = Cost(memory_kib=8 * 1024, passes=1, lanes=1)


@dataclass(frozen=True)
class Ports:
    """
    Where everything listens.

    Attributes:
        door: Where the card says that the door is: that of the one machine, or a balancer.
        desk: Where its members find it.
        hall: Where it really is.
        doors: Where the doors of several machines are.
    """

    door: int
    desk: int
    hall: int
    holders: dict[str, int]
    doors: tuple[int, ...] = ()

    def url(self, name: str) -> str:
        """Return the address of the door, the desk or a holder."""
        port = {"door": self.door, "desk": self.desk, **self.holders}[name]
        return f"http://127.0.0.1:{port}"


@dataclass(frozen=True)
class Office:
    """
    An office in a folder.

    Attributes:
        folder: Holds `vault` and everybody's files.
        card: What everybody has pinned.
        roster: The roster in force.
    """

    folder: Path
    ports: Ports
    card: Card
    roster: Roster

    @property
    def vault(self) -> Path:
        """The data folder of the operator, on the first machine."""
        return self.folder / "vault"

    @property
    def vaults(self) -> tuple[Path, ...]:
        """The data folders of all machines of the operator."""
        more = range(2, len(self.ports.doors) + 1)
        return (self.vault, *(self.folder / f"vault-{number}" for number in more))

    @property
    def names(self) -> tuple[str, ...]:
        """
        All processes; those of a second machine end in @2, and so on.

        The second has another sequencer, further ones a follower, and each of them a door.
        """
        keepers = [
            "sequencer" if number <= SEQUENCERS else "follower"
            for number in range(2, len(self.ports.doors) + 1)
        ]
        more = [
            f"{name}@{number}"
            for number, keeper in enumerate(keepers, start=2)
            for name in (keeper, "door")
        ]
        return (*HOLDERS, "desk", "door", "sequencer", *more)

    def data(self, holder: str) -> Path:
        """Return the data folder of a gatekeeper or the mirror."""
        return self.folder / f"data-{holder}"

    def command(self, name: str) -> tuple[str, ...]:
        """Return the command of the door, the desk, the sequencer or a holder."""
        kind, _, number = name.partition("@")
        vault = f"vault-{number}" if number else "vault"
        if kind == "door":
            at = self.ports.doors[int(number or 1) - 1] if self.ports.doors else self.ports.door
            port = ("--port", str(at))
            return ("dengwen-submit", "serve", vault, *port, "--processes", "0")
        if kind == "desk":
            return ("dengwen-vault", "serve", vault, "--port", str(self.ports.hall))
        if kind in {"sequencer", "follower"}:
            return ("dengwen-vault", "sequence" if kind == "sequencer" else "follow", vault)
        common = ("--card", "card.txt", "--key", f"{name}.key", "--data", f"data-{name}")
        port = ("--port", str(self.ports.holders[name]))
        if name == people.MIRROR:
            return ("dengwen-audit", "mirror", "run", *common, *port, "--poll", str(TICK))
        secret = ("--passphrase-file", "passphrase", "--roster", "roster.txt")
        return ("dengwen-keys", "gatekeeper", "run", *common, *port, *secret)


def make_office(
    folder: Path,
    ports: Ports,
    database: str = SQLITE_URL,
    replication: str = NONE,
    *,
    spares_mirror: bool = False,
) -> Office:
    """
    Make keys, card and roster, then the vault as `dengwen-vault init` does.

    Args:
        spares_mirror: Let any three of four witnesses be a quorum, so that the log can go on
            without the mirror; otherwise it is of every quorum.
    """
    card = _make_card(ports, spares_mirror=spares_mirror)
    office = Office(folder, ports, card, _make_roster(ports))
    signed_card = people.sign_by_roots(office.card.to_bytes())
    roster = people.sign_by_roots(office.roster.to_bytes())
    _write_files(folder, signed_card, roster)
    settings = Settings(office.vault, database, office.vault / "public")
    write_key(settings.log_key_file, make_key(people.OFFICE))
    write_key(settings.intake_key_file, make_key("intake"))
    init(office.vault, signed_card, roster, time.time, database=database, replication=replication)
    for number, vault in enumerate(office.vaults[1:], start=2):
        _equip(vault, office.vault, with_log_key=number <= SEQUENCERS)
    return office


def _equip(folder: Path, first: Path, *, with_log_key: bool) -> None:
    """
    Make the data folder of another machine as an operator does: by copying settings and keys.

    Attachments lie in one folder, as if all machines had mounted it.
    """
    keys = folder / "keys"
    keys.mkdir(parents=True, mode=0o700)
    settings = (first / "vault.toml").read_text("utf-8")
    shared = settings.replace('blobs = "blobs"', f'blobs = "{first / "blobs"}"')
    assert shared != settings
    (folder / "vault.toml").write_text(shared, "utf-8")
    shutil.copy2(first / "keys" / "intake.key", keys)
    if with_log_key:
        shutil.copy2(first / "keys" / "log.key", keys)


def _write_files(folder: Path, card: Note, roster: Note) -> None:
    (folder / "card.txt").write_bytes(card.to_bytes())
    (folder / "roster.txt").write_bytes(roster.to_bytes())
    (folder / "passphrase").write_text(PASSPHRASE, encoding="ascii")
    for name in people.GATEKEEPERS:
        sealed = seal_keyfile(make_member_keys(name), PASSPHRASE, _CHEAP)
        (folder / f"{name}.key").write_bytes(sealed)
        (folder / f"{name}.key").chmod(0o600)
    name = people.MIRROR
    key = AuditKey(name, f"{name}.town/witness", make_seed(name), make_seed(f"{name} cosigning"))
    write_audit_key(folder / f"{name}.key", key)


def _make_card(ports: Ports, *, spares_mirror: bool) -> Card:
    town = people.make_card()
    log, *rest = town.policy_lines
    if spares_mirror:
        rest = [line for line in rest if line.startswith("witness ")]
        rest += [f"group enough 3 {' '.join(HOLDERS)}", "quorum enough"]
    lines = [log.replace(people.DOOR, ports.url("door"))]
    for line in rest:
        for name in HOLDERS:
            line = line.replace(people.address_of(name), ports.url(name))  # noqa: PLW2901  # all
        lines.append(line)
    return dataclasses.replace(
        town,
        door=ports.url("door"),
        desk=ports.url("desk"),
        tick=TICK,
        policy_lines=tuple(lines),
    )


def _make_roster(ports: Ports) -> Roster:
    town = people.make_roster()
    today = datetime.datetime.now(datetime.UTC).date()
    members = tuple(
        dataclasses.replace(member, address=ports.url(member.id)) if member.address else member
        for member in town.members
    )
    return dataclasses.replace(
        town,
        valid_from=today - datetime.timedelta(days=1),  # a test may run over midnight
        valid_until=today + datetime.timedelta(days=29),
        members=members,
        petitioner_delay=DELAY,
        openings_per_day=100_000,
    )
