"""Tests of policy.py: who must agree, and that nobody counts twice. Cases: vectors/policy.json."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dengwen_audit.errors import AuditError, PolicyError, SignatureError
from dengwen_audit.note import COSIGNATURE_V1, Note, SigningKey
from dengwen_audit.policy import MAX_LINES, Policy
from dengwen_audit.text import TextError
from tests.mangling import byte_flips, mangled
from tests.small_log import (
    COSIGNERS,
    LOG_KEY,
    NAMES,
    NOON,
    ORIGIN,
    POLICY,
    WITNESS_KEYS,
    SmallLog,
    policy_text,
    seed,
)

LOG = SmallLog([b"one", b"two"])


def witness_line(name: str) -> str:
    """Return a line of a policy for a witness made up from its name."""
    key = SigningKey(f"witness.example/{name}", seed(name), COSIGNATURE_V1)
    return f"witness {name} {key.verification_key.to_text()}\n"


def test_a_policy_says_whose_log_it_is_about() -> None:
    """The log's key and address, the witnesses' keys and addresses."""
    assert POLICY.log_key == LOG_KEY.verification_key
    assert POLICY.log_url == "https://dengwen.example/log"
    assert [witness.name for witness in POLICY.witnesses] == list(NAMES)
    assert POLICY.witnesses[0].key == WITNESS_KEYS["hill"].verification_key
    assert POLICY.witnesses[0].url is None
    with_url = Policy.parse(policy_text().replace("\nwitness lake", " https://hill\nwitness lake"))
    assert with_url.witnesses[0].url == "https://hill"


def test_a_policy_of_no_log_or_of_two_has_no_log_key() -> None:
    """It is a good policy all the same; each of its logs is accepted."""
    second = SigningKey("other.example/log", seed("other log"))
    log_line, rest = policy_text().split("\n", 1)
    for text in (rest, f"log {second.verification_key.to_text()}\n{log_line}\n{rest}"):
        policy = Policy.parse(text)
        with pytest.raises(PolicyError, match="exactly one log"):
            _ = policy.log_key
    assert policy.check(LOG.note()).checkpoint == LOG.checkpoint()


def test_a_cosigned_checkpoint_tells_what_and_when() -> None:
    """The checkpoint, each witness's time, and the middle of the times."""
    cosigned = POLICY.check(LOG.note())
    assert cosigned.checkpoint == LOG.checkpoint()
    assert cosigned.times == {name: NOON + n for n, name in enumerate(NAMES[:4])}
    assert cosigned.median_time == NOON + 1
    assert POLICY.check(LOG.note(NAMES)).median_time == NOON + 2


def test_without_witnesses_there_is_no_time() -> None:
    """A policy may ask for none; then nobody says when."""
    policy = Policy.parse(policy_text().replace("quorum witnesses", "quorum none"))
    cosigned = policy.check(LOG.note(()))
    with pytest.raises(PolicyError, match="no witness says when"):
        _ = cosigned.median_time


def test_every_set_of_witnesses_is_judged_by_its_number() -> None:
    """All 32 sets of five, under each threshold."""
    for threshold in range(1, 6):
        policy = Policy.parse(policy_text(NAMES, threshold))
        assert policy.minimum_witnesses() == threshold
        for count in range(6):
            for names in itertools.combinations(NAMES, count):
                assert policy.is_quorum(names) == (count >= threshold)
                if count >= threshold:
                    assert set(policy.check(LOG.note(names)).times) == set(names)
                else:
                    with pytest.raises(PolicyError, match="too few witnesses"):
                        policy.check(LOG.note(names))


@st.composite
def policies(draw: st.DrawFn) -> str:
    """Draw a policy of up to six witnesses in nested groups."""
    free = [f"w{n}" for n in range(draw(st.integers(1, 6)))]
    lines = [witness_line(name) for name in free]
    for number in range(draw(st.integers(0, 4))):
        members = draw(st.lists(st.sampled_from(free), min_size=1, unique=True))
        threshold = draw(st.sampled_from(["any", "all", *map(str, range(1, len(members) + 1))]))
        lines.append(f"group g{number} {threshold} {' '.join(members)}\n")
        free = [name for name in free if name not in members] + [f"g{number}"]
    return "".join(lines) + f"quorum {draw(st.sampled_from(free))}\n"


@given(policies())
def test_the_smallest_quorum_is_the_one_found_by_trying_all(text: str) -> None:
    """Computed up the tree of groups, it equals the smallest of all sets that suffice."""
    policy = Policy.parse(text)
    names = [witness.name for witness in policy.witnesses]
    sizes = [
        count
        for count in range(len(names) + 1)
        for chosen in itertools.combinations(names, count)
        if policy.is_quorum(chosen)
    ]
    assert policy.minimum_witnesses() == min(sizes)
    assert policy.is_quorum(names)


@given(mangled(policy_text().encode()))
def test_a_mangled_policy_is_refused_or_kept_as_it_is(twin: bytes) -> None:
    """A comment, a space or a URL may change; what is accepted is written back as it was."""
    text = twin.decode("latin-1")
    try:
        assert Policy.parse(text).to_text() == text
    except TextError:
        return


def test_a_policy_has_limits() -> None:
    """32 of each kind are read, 33 are not."""
    lines = [witness_line(f"w{n}") for n in range(MAX_LINES + 1)]
    assert len(Policy.parse("".join(lines[:-1]) + "quorum none\n").witnesses) == MAX_LINES
    with pytest.raises(TextError, match="more than 32"):
        Policy.parse("".join(lines) + "quorum none\n")
    with pytest.raises(TextError, match="too long"):
        Policy.parse("#" * 40_000 + "\nquorum none\n")


def test_a_changed_byte_of_a_checkpoint_is_refused() -> None:
    """With no more witnesses than the quorum needs, every byte counts."""
    for twin in byte_flips(LOG.note().to_bytes()):
        with pytest.raises(AuditError):
            POLICY.check(Note.parse(twin))


def test_a_witness_counts_once_whatever_it_signs() -> None:
    """Of several times by one witness the last counts; a second line makes no second witness."""
    text = LOG.note(()).text
    lines = [COSIGNERS["hill"].cosign(text, NOON + n) for n in (5, 9, 7)]
    with pytest.raises(PolicyError, match="vouch for the checkpoint: 1"):
        POLICY.check(LOG.note(()).signed_by(*lines))
    lenient = Policy.parse(policy_text(NAMES, 1))
    assert lenient.check(LOG.note(()).signed_by(*lines)).times == {"hill": NOON + 9}


def test_a_stranger_neither_helps_nor_harms() -> None:
    """Cosignatures by keys that the policy does not name are passed over."""
    small = Policy.parse(policy_text(NAMES[:3], 3))
    assert set(small.check(LOG.note(NAMES)).times) == set(NAMES[:3])
    with pytest.raises(PolicyError):
        small.check(LOG.note(NAMES[1:]))


def test_a_cosignature_of_another_checkpoint_condemns_the_note() -> None:
    """A known witness whose line does not fit is no matter of counting."""
    other = SmallLog([b"three"]).note().signatures[1]
    lenient = Policy.parse(policy_text(NAMES, 1))
    with pytest.raises(SignatureError, match="is wrong"):
        lenient.check(LOG.note(NAMES[1:]).signed_by(other))


def test_the_logs_own_signature_is_needed() -> None:
    """However many witnesses there are; and the key must be that of the origin."""
    note = LOG.note(NAMES)
    with pytest.raises(SignatureError, match="too few known signatures"):
        POLICY.check(Note(note.text, note.signatures[1:]))
    renamed = Note(note.text.replace(ORIGIN.encode(), b"other.example/log"), note.signatures)
    with pytest.raises(SignatureError, match="does not name"):
        POLICY.check(renamed)
