"""
The office of the demo, made as a real one would be: everybody makes keys, two of three sign.

Here one program plays all the institutions, which no office may do; it says so when it begins.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from scripts.demo_stage import Stage, free_ports

ORIGIN = "drum.example/log"
OPERATOR = "city-computing"
PASSPHRASE = "demo only, never like this"  # noqa: S105  # the point of the line
TICK = 1  # seconds; a real office has 60

JURISDICTIONS = (
    ("CN", None, "中国"),
    ("CN-11", "CN", "北京"),
    ("CN-31", "CN", "上海"),
    ("CN-42", "CN", "湖北"),
    ("CN-44", "CN", "广东"),
    ("CN-4401", "CN-44", "广州"),
    ("CN-61", "CN", "陕西"),
    ("CN-62", "CN", "甘肃"),
)
REVIEWERS = {
    "reviewer-bei": ("beijing-complaints", "CN-11"),
    "reviewer-hai": ("shanghai-ombudsman", "CN-31"),
    "reviewer-han": ("hubei-inspection", "CN-42"),
    "reviewer-yue": ("guangdong-petitions", "CN-44"),
    "reviewer-gao": ("guangzhou-petitions", "CN-4401"),
    "reviewer-qin": ("shaanxi-audit", "CN-61"),
    "reviewer-lan": ("gansu-audit", "CN-62"),
    "reviewer-zhong": ("national-complaints", "CN"),
}
GATEKEEPERS = {
    "gatekeeper-law": ("law-society", "CN-31"),
    "gatekeeper-press": ("press-council", "CN-11"),
    "gatekeeper-uni": ("university", "CN-42"),
}
TRUSTEES = {
    "trustee-bar": ("bar-association", "CN-11"),
    "trustee-med": ("medical-union", "CN-31"),
    "trustee-women": ("womens-federation", "CN-42"),
    "trustee-temple": ("temple-foundation", "CN-61"),
    "trustee-press": ("press-council", "CN-11"),
}
ROOTS = {
    "root-bar": "bar-association",
    "root-uni": "university",
    "root-union": "medical-union",
}
MIRROR, MIRROR_PLACE = "mirror-court", ("court-of-audit", "CN")
AUDITOR, AUDITOR_PLACE = "auditor-court", ("court-of-audit", "CN")


@dataclass(frozen=True)
class Addresses:
    """Where everything listens, on the loopback address."""

    door: int
    desk: int
    holders: dict[str, int]  # gatekeepers and the mirror

    @classmethod
    def choose(cls) -> Addresses:
        """Take ports that nobody uses."""
        names = [*GATEKEEPERS, MIRROR]
        door, desk, *others = free_ports(2 + len(names))
        return cls(door, desk, dict(zip(names, others, strict=True)))

    def url(self, name: str) -> str:
        """Return the address of a holder, the door or the desk."""
        port = {"door": self.door, "desk": self.desk, **self.holders}[name]
        return f"http://127.0.0.1:{port}"


def count_people() -> tuple[int, int]:
    """Return how many people this office has, the operator's staff aside, and how many bodies."""
    people = [*REVIEWERS, *GATEKEEPERS, *TRUSTEES, *ROOTS, MIRROR, AUDITOR]
    return len(people), len({OPERATOR, *ROOTS.values(), *_institutions()})


def make_office(play: Stage, addresses: Addresses) -> None:
    """Make keys, then card and roster, each signed by two of the three roots, then the vault."""
    (play.folder / "passphrase").write_text(PASSPHRASE + "\n", encoding="utf-8")
    (play.folder / "keys").mkdir()
    public = _make_keys(play)
    log_key, intake_key = re.findall(
        r"\S+\+[0-9a-f]{8}\+\S+", play.run("dengwen-vault", "keys", "vault", "--office", ORIGIN)
    )
    text = _office_file(public, addresses, log_key, intake_key)
    (play.folder / "office.toml").write_text(text, encoding="utf-8")
    play.run("dengwen-keys", "card", "draft", "office.toml", "card.txt")
    for root in ("root-bar", "root-uni"):
        play.run("dengwen-keys", "card", "sign", "card.txt", *key_of(root))
    play.run("dengwen-keys", "roster", "draft", "office.toml", "roster.txt", "--card", "card.txt")
    for root in ("root-uni", "root-union"):
        play.run(
            "dengwen-keys", "roster", "sign", "roster.txt", "--card", "card.txt", *key_of(root)
        )
    play.run("dengwen-vault", "init", "vault", "--card", "card.txt", "--roster", "roster.txt")


def key_of(name: str) -> tuple[str, ...]:
    """Return the options by which a command finds this person's key file."""
    return ("--key", f"keys/{name}.key", "--passphrase-file", "passphrase")


def start_office(play: Stage, addresses: Addresses) -> None:
    """Start door, desk, three gatekeepers, the mirror, and last the sequencer."""
    play.start("door", addresses.door, "dengwen-submit", "serve", "vault", *_port(addresses.door))
    play.start("desk", addresses.desk, "dengwen-vault", "serve", "vault", *_port(addresses.desk))
    for name in GATEKEEPERS:
        port = addresses.holders[name]
        data = ("--card", "card.txt", "--roster", "roster.txt", "--data", f"data-{name}")
        command = ("dengwen-keys", "gatekeeper", "run", *data, *key_of(name), *_port(port))
        play.start(name, port, *command)
    port = addresses.holders[MIRROR]
    mirror = ("--card", "card.txt", "--key", f"keys/{MIRROR}.key", "--data", f"data-{MIRROR}")
    play.start(MIRROR, port, "dengwen-audit", "mirror", "run", *mirror, *_port(port))
    play.start("sequencer", None, "dengwen-vault", "sequence", "vault")


def _port(port: int) -> tuple[str, str]:
    return ("--port", str(port))


def _make_keys(play: Stage) -> dict[str, str]:
    """Let everybody make keys; return what each printed, by id."""
    roles = {
        **dict.fromkeys(REVIEWERS, "reviewer"),
        **dict.fromkeys(GATEKEEPERS, "gatekeeper"),
        **dict.fromkeys(TRUSTEES, "trustee"),
    }
    commands: dict[str, tuple[str, ...]] = {
        name: ("dengwen-keys", "member", "create", name, "--role", role, *key_of(name))
        for name, role in roles.items()
    }
    for name in ROOTS:
        commands[name] = ("dengwen-keys", "root", "create", name, *key_of(name))
    for name in (MIRROR, AUDITOR):
        commands[name] = ("dengwen-audit", "key", "create", name, "--key", f"keys/{name}.key")
    return dict(zip(commands, play.run_all(list(commands.values())), strict=True))


def _field(printed: str, name: str, number: int = 0) -> str:
    """Return what a command printed as the *number*-th value of *name*."""
    values: list[str] = re.findall(rf'^{name} = "([^"]+)"', printed, re.MULTILINE)
    return values[number]


def _office_file(
    public: dict[str, str], addresses: Addresses, log_key: str, intake_key: str
) -> str:
    """Fill in the file that `dengwen-keys office init` explains."""
    door = addresses.url("door")
    blocks = [
        "[card]",
        f'office = "{ORIGIN}"',
        'name = "The drum of the demo · 登闻鼓"',
        f'operator = "{OPERATOR}"',
        f'door = "{door}"',
        f'desk = "{addresses.url("desk")}"',
        f"tick = {TICK}",
        "root-threshold = 2",
        f'log = "{log_key}"',
        f'log-url = "{door}/log"',
        "witness-quorum = 3",
    ]
    for name, institution in ROOTS.items():
        key = _field(public[name], "key")
        blocks += ["[[root]]", f'key = "{key}"', f'institution = "{institution}"']
    for name in (*GATEKEEPERS, MIRROR):
        key = _field(public[name], "key", 1)
        blocks += ["[[witness]]", f'member = "{name}"', f'key = "{key}"']
        blocks += [f'url = "{addresses.url(name)}"']
    return "\n".join([*blocks, *_roster_lines(public, addresses, intake_key), ""])


def _roster_lines(public: dict[str, str], addresses: Addresses, intake_key: str) -> list[str]:
    numbers = {
        "days": 30,
        "panel": 3,
        "gatekeepers": 2,
        "trustees": 3,
        "petitioner-delay": 3600,
        "acceptance-deadline": 7200,
        "request-lifetime": 3600,
        "openings-per-day": 20,
        "answer-deadline": 60,
        "disclosure-wait": 259200,
    }
    lines = ["[roster]", *(f"{name} = {value}" for name, value in numbers.items())]
    lines += [f'intake = "{intake_key}"']
    for code, above, name in JURISDICTIONS:
        lines += ["[[jurisdiction]]", f'code = "{code}"', f'name = "{name}"']
        lines += [f'above = "{above}"'] if above else []
    for id_, code in sorted({OPERATOR: "CN-4401", **_institutions()}.items()):
        title = id_.replace("-", " ").capitalize()
        lines += ["[[institution]]", f'id = "{id_}"', f'jurisdiction = "{code}"']
        lines += [f'name = "{title}"']
    for role, people in (
        ("reviewer", REVIEWERS),
        ("gatekeeper", GATEKEEPERS),
        ("trustee", TRUSTEES),
        ("mirror", {MIRROR: MIRROR_PLACE}),
        ("auditor", {AUDITOR: AUDITOR_PLACE}),
    ):
        for seat, (name, (institution, code)) in enumerate(people.items(), 1):
            lines += ["[[member]]", f'role = "{role}"']
            lines += [f"seat = {seat}"] if role in ("gatekeeper", "trustee") else []
            lines += [f'institution = "{institution}"', f'jurisdiction = "{code}"']
            lines += [f'key = "{_field(public[name], "key")}"']
            if role not in ("mirror", "auditor"):
                lines += [f'recipient = "{_field(public[name], "recipient")}"']
            if name in addresses.holders:
                lines += [f'address = "{addresses.url(name)}"']
    return lines


def _institutions() -> dict[str, str]:
    """Return where each institution is, by its id."""
    places = [*REVIEWERS.values(), *GATEKEEPERS.values(), *TRUSTEES.values()]
    return dict([*places, MIRROR_PLACE, AUDITOR_PLACE])
