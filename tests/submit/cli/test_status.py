"""`dengwen-submit status`: what happened, who says that this is all, and an exit code for it."""

import dataclasses
import datetime
from collections.abc import Callable

import pytest

from dengwen_audit.receipt import check_receipt
from dengwen_audit.statements.manifest import Manifest
from dengwen_audit.statements.member import Revocation
from dengwen_submit.office import read_card
from tests.small_office import make_roster
from tests.submit.door_office import DoorOffice
from tests.submit.terminal import Shown, Terminal
from tests.town_wire import Answer
from tests.vault.office import seal_petition, words_of

WORDS = words_of("first")
TYPED = f"{WORDS.to_text()}\n"
DAY = datetime.timedelta(days=1).total_seconds()
UNASKED = (
    "Keep no service to be asked (they hold shares of identities): "
    "trustee-1, trustee-2, trustee-3, trustee-4, trustee-5.\n"
)


def _status(her: Terminal, *options: str, typed: str = TYPED) -> Shown:
    return her.run("status", *options, typed=typed)


def _without_prompt(shown: Shown) -> str:
    return shown.out.partition("Receipt words (not shown): \n")[2]


def test_a_complete_case_says_so(office: DoorOffice, case: Manifest, her: Terminal) -> None:
    """Exit code 0: each event has its proof, and everybody who was asked agrees."""
    office.release(office.request(case), case, "gatekeeper-2")
    office.look(case)
    shown = _status(her)
    assert (shown.code, shown.err) == (0, "")
    reviewer = case.panel[0]
    assert _without_prompt(shown) == (
        "What happened, oldest first:\n"
        "  1. 2025-01-10  The office received your petition.  [proof checked]\n"
        f"  2. 2025-01-10  {reviewer} asked to open your petition.  [proof checked]\n"
        "  3. 2025-01-10  gatekeeper-2 let the reviewer in with one share.  [proof checked]\n"
        "Who was asked whether this is all:\n"
        "  gatekeeper-1: released nothing\n"
        "  gatekeeper-2: shares released: 1, each shown above\n"
        "  gatekeeper-3: released nothing\n"
        "  mirror-1: events held: 3, which is all\n"
        "Complete: everyone who could have opened it says the same as the office.\n" + UNASKED
    )


def test_the_words_are_never_shown(case: Manifest, her: Terminal) -> None:
    """Neither while they are typed nor later, nor anywhere in the folder."""
    shown = _status(her, "--save", "receipts")
    for word in WORDS.to_text().split():
        assert f"{word} " not in shown.out
    assert WORDS.to_text().encode() not in her.everything(shown)


def test_a_case_in_chinese(office: DoorOffice, case: Manifest, her: Terminal) -> None:
    """Every line, not only the sentences of the events."""
    office.request(case)
    shown = _status(her, "--language", "zh")
    assert shown.code == 3
    lines = _without_prompt(shown).splitlines()
    assert lines[0] == "案件经过（由早到晚）："
    assert lines[1] == "  1. 2025-01-10  受理机构已收到您的信访件。  〔证明已核验〕"
    assert "  mirror-1：目前见到 2 条记录中的 1 条" in lines
    assert "尚不能确定完整：请稍后再查。" in lines


@pytest.mark.parametrize("charset", ["ascii", "latin-1"])
def test_a_terminal_without_chinese_reads_english(
    case: Manifest, her: Terminal, charset: str
) -> None:
    """Nothing crashes, and nothing is unreadable."""
    shown = her.run("status", "--language", "zh", typed=TYPED, charset=charset)
    assert shown.code == 0
    assert "The office received your petition." in shown.out


def test_a_case_that_waits_for_the_log_is_not_complete(office: DoorOffice, her: Terminal) -> None:
    """Exit code 3, and a line that says why nothing is shown."""
    office.vault.accept(seal_petition("first").to_bytes(), at_once=True)
    shown = _status(her)
    assert shown.code == 3
    assert "  nothing in the log yet: what you send enters it at a random time\n" in shown.out
    assert "Not known to be complete: ask again later.\n" in shown.out


def test_a_silent_holder_is_named(office: DoorOffice, case: Manifest, her: Terminal) -> None:
    """Exit code 3; she waits as long as she said."""
    with office.silent("gatekeeper-3"):
        shown = _status(her, "--wait", "2")
    assert shown.code == 3
    assert "  gatekeeper-3: did not answer in time\n" in shown.out
    assert "Not known to be complete: ask again later.\n" in shown.out
    assert sum(office.slept) == 2


def test_a_contradiction_is_told_and_nothing_else(
    office: DoorOffice, case: Manifest, her: Terminal
) -> None:
    """Exit code 1: no list of events stands there as if it were true."""
    office.request(case)
    office.look(case)

    def hide(answer: Answer) -> Answer:
        if answer.path != "/v1/case/events":
            return answer
        return answer.with_json(lambda file: file | {"events": file["events"][:1]})

    with office.door.lying(hide):
        shown = _status(her, "--save", "receipts")
    assert (shown.code, _without_prompt(shown)) == (1, "")
    assert shown.err == ("Not done: gatekeeper-1 has seen newer events than the office shows.\n")
    assert not (her.folder / "receipts").exists()


def test_files_that_have_not_arrived_are_told(office: DoorOffice, her: Terminal) -> None:
    """Exit code 3 until all are there, with what to do; then a line that says so."""
    petition, acceptance = office.accept_files("first")
    office.look(petition.manifest)
    office.attach(petition, acceptance, 2)
    shown = _status(her)
    assert shown.code == 3
    assert (
        "Files that have arrived: 1 of 2.\n"
        "Not arrived yet: 1. Run `send` with the same file again.\n"
    ) in shown.out
    assert "Complete: " in shown.out
    chinese = _status(her, "--language", "zh").out
    assert (
        "附件已收到 1 个，共 2 个。\n尚未收到第 1 个附件。请用同一文件再次运行 `send`。\n"
        in chinese
    )
    office.attach(petition, acceptance)
    shown = _status(her)
    assert shown.code == 0
    assert "Files that have arrived: 2, which is all.\n" in shown.out


@pytest.mark.parametrize("instead", [b"", b"{}", b'{"arrived": 1}', b'{"arrived": ["1"]}', b"[1]"])
def test_an_office_that_does_not_say_what_arrived_is_told_so(
    office: DoorOffice, her: Terminal, instead: bytes
) -> None:
    """Nothing is taken for an answer that is none."""
    petition, _ = office.accept_files("first")
    office.look(petition.manifest)

    def mumble(answer: Answer) -> Answer:
        if answer.path != "/v1/case/attachments":
            return answer
        return dataclasses.replace(answer, body=instead)

    with office.door.lying(mumble):
        shown = _status(her)
    assert shown.code == 1
    assert "the office does not say which files have come" in shown.err


def test_a_case_without_files_is_not_asked_about_files(
    office: DoorOffice, case: Manifest, her: Terminal
) -> None:
    """One request less, and no line about nothing."""
    shown = _status(her)
    assert "Files" not in shown.out
    assert ("GET", "/v1/case/attachments") not in office.door.calls


def test_receipts_are_saved_for_strangers(
    office: DoorOffice, case: Manifest, her: Terminal
) -> None:
    """Each lies in a file of its own, and verifies with the card alone."""
    office.request(case)
    shown = _status(her, "--save", "receipts")
    assert "Receipts written to receipts.\n" in shown.out
    names = [name for name in her.files() if name.startswith("receipts/")]
    assert names == [
        "receipts/001-petition.received.tlog-proof",
        "receipts/002-open.requested.tlog-proof",
    ]
    policy = read_card(her.folder / "office").policy
    for name, event in zip(names, office.events(case), strict=True):
        assert check_receipt((her.folder / name).read_bytes(), policy).event == event


def test_words_may_come_from_a_file(case: Manifest, her: Terminal) -> None:
    """In any of the scripts, with any spacing; nothing is asked then."""
    her.write("words.txt", "\ufeff" + "　".join(WORDS.to_text("chinese_traditional").split()))
    shown = her.run("status", "--words-file", "words.txt")
    assert (shown.code, shown.out.startswith("What happened")) == (0, True)


WRONG: dict[str, tuple[Callable[[list[str]], list[str]], str]] = {
    "a word that is none": (
        lambda words: [*words[:4], "abandonn", *words[5:]],
        "Not done: words: word 5 is not in the list.\n  Did you mean: abandon\n",
    ),
    "eleven words": (lambda words: words[:11], "expected 12 words, found 11"),
    "two that changed places": (
        lambda words: [words[1], words[0], *words[2:]],
        "the checksum is wrong",
    ),
    "nothing but a full stop": (lambda _: ["."], "expected 12 words, found 0"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_words_are_told_by_their_place(
    office: DoorOffice, case: Manifest, her: Terminal, wrong: str
) -> None:
    """What was typed is not repeated, and nobody is asked anything with it."""
    mistype, said = WRONG[wrong]
    office.door.calls.clear()
    shown = _status(her, typed=" ".join(mistype(WORDS.to_text().split())) + "\n")
    assert shown.code == 1
    assert said in shown.err
    assert "abandonn" not in shown.err
    assert office.door.calls == []


def test_words_of_no_case_are_told_so(case: Manifest, her: Terminal) -> None:
    """Well spelt, but another's or none's."""
    shown = _status(her, typed=f"{words_of('nobody').to_text()}\n")
    assert shown.code == 1
    assert shown.err == (
        "Not done: the office knows no petition of these words: look whether all are typed right.\n"
    )


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"x" * 5000])
def test_a_words_file_that_holds_none_is_refused(
    case: Manifest, her: Terminal, content: bytes
) -> None:
    """Whatever is in it, the refusal is one sentence."""
    her.write("words.txt", content)
    shown = her.run("status", "--words-file", "words.txt")
    assert (shown.code, shown.out) == (1, "")
    assert shown.err.startswith("Not done: words: ")


def test_an_old_folder_is_no_obstacle_to_looking(
    office: DoorOffice, case: Manifest, her: Terminal
) -> None:
    """The office is looked at anew in memory, and the folder does not tell when she looked."""
    before = {name: (her.folder / name).stat().st_mtime_ns for name in her.files()}
    office.now += 9 * DAY
    office.tick()
    shown = _status(her)
    assert shown.code == 0
    assert {name: (her.folder / name).stat().st_mtime_ns for name in her.files()} == before


def test_an_office_that_stands_still_can_be_looked_at_and_is_not_complete(
    office: DoorOffice, case: Manifest, her: Terminal
) -> None:
    """Its log has not moved for nine days: the case is shown, and exit code 3 says the rest."""
    office.now += 9 * DAY
    shown = _status(her)
    assert shown.code == 3
    assert "The office received your petition.  [proof checked]" in shown.out
    assert "The office gives no fresh proof of its roster" in shown.out
    assert "Not known to be complete" in shown.out


def test_an_office_that_goes_back_in_time_is_refused(
    office: DoorOffice, case: Manifest, her: Terminal
) -> None:
    """A roster from before a change cannot hide who must be asked now."""
    old = {path: office.door_client().fetch(path) for path in ("/roster", "/latest.tlog-proof")}
    office.now += DAY
    office.publish_next_roster()
    assert her.run("card", "https://dengwen.example").code == 0

    def lie(answer: Answer) -> Answer:
        return dataclasses.replace(answer, body=old.get(answer.path, answer.body))

    with office.door.lying(lie):
        shown = _status(her)
    assert shown.code == 1
    assert "an older roster than it did before" in shown.err
    assert _status(her).code == 0


def test_without_a_mirror_nothing_is_called_complete(
    office: DoorOffice, case: Manifest, her: Terminal
) -> None:
    """Gatekeepers know only what they were asked about; that they agree is not enough."""
    lost = Revocation("mirror-1", datetime.date(2025, 1, 10))
    office.publish_next_roster(revoked=(*make_roster().revoked, lost))
    shown = _status(her)
    assert shown.code == 3
    assert "mirror-1" not in shown.out
    assert "The office has no mirror: nobody else holds every event of a case.\n" in shown.out
    assert "Not known to be complete" in shown.out


def test_without_an_office_she_is_told_how_to_fetch_one(terminal: Terminal) -> None:
    """The first command comes first."""
    terminal.surroundings = dataclasses.replace(
        terminal.surroundings,
        open_session=lambda _: None,  # type: ignore[arg-type,return-value]
    )
    shown = terminal.run("status", typed=TYPED)
    assert shown.code == 1
    assert "fetch one with `dengwen-submit card`" in shown.err
