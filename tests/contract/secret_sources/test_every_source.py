"""What every secret source must do, whatever is behind it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from provisioner.errors import EngineRefused, SecretUnavailable, Unreachable
from provisioner.model.secret import Found, Held, Missing, SecretRef

if TYPE_CHECKING:
    from tests.contract.secret_sources.settings import Setting

CANARY = "canary-7f3a9c"

VALUES = {
    "one byte": b"x",
    "multi-line": b"-----BEGIN KEY-----\nMIIE+/=\n-----END KEY-----\n",
    "windows lines": b"a\r\nb\r\n",
    "lone carriage return": b"a\rb",
    "dollars": b"$a ${b} $$ $(id) `id` p\\$w",
    "quotes": b"""it's "quoted" \\" \\' and more\\""",
    "ends with a backslash": b"abc\\",
    "hash": b"a # b#c",
    "blanks": b"  two blanks around  ",
    "only a newline": b"\n",
    "trailing newline": b"secret\n",
    "json": b'{"user": "u", "password": "p\\n"}',
    "looks like a reference": b"keyring:jwt",
    "unicode": "pässwörd ☃ \u00a0 \u2028 \U0001f511".encode(),
    "byte order mark": "\ufeffsecret".encode(),
    "binary": bytes(range(256)),
    "not utf-8": b"\xff\xfe\x00secret",
    "nul in text": b"a\0b",
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES.keys())
def test_a_value_arrives_byte_for_byte_or_is_refused_when_it_is_put(setting: Setting, value: bytes) -> None:
    ref = setting.ref("one")
    try:
        setting.put({ref: value})
    except SecretUnavailable as refusal:
        assert b"\0" in value or setting.text_only, "only what text can not carry may be refused"
        assert ref.env in refusal.message or ref.key in refusal.message
        return
    answer = setting.open().fetch([ref])[ref]
    if setting.readable:
        assert isinstance(answer, Found)
        assert (answer.value.reveal(), answer.tier, answer.fingerprint) == (value, setting.tier, "")
    else:
        assert answer == Held("one", version="id-one", created=1704164645.0)


def test_the_largest_value_arrives(setting: Setting) -> None:
    ref = setting.ref("one")
    value = (b"0123456789abcde\n" * 40_000)[: setting.largest]
    setting.put({ref: value})
    answer = setting.open().fetch([ref])[ref]
    if setting.readable:
        assert isinstance(answer, Found)
        assert answer.value.reveal() == value


def test_what_is_not_there_is_missing_and_says_where_it_was_looked_for(setting: Setting) -> None:
    ref, other = setting.ref("one"), setting.ref("two")
    before = setting.open().fetch([ref])[ref]
    setting.put({other: CANARY.encode()})
    after = setting.open().fetch([ref])[ref]
    for answer in (before, after):
        assert isinstance(answer, Missing)
        assert len(answer.tried) == 1
        assert answer.tried[0].startswith(f"{setting.tier}: ")


def test_a_name_that_only_begins_alike_is_missing(setting: Setting) -> None:
    setting.put({setting.ref("one_more"): b"x"})
    ref = setting.ref("one")
    assert isinstance(setting.open().fetch([ref])[ref], Missing)


def test_a_batch_answers_every_ref_with_its_own_value(setting: Setting) -> None:
    refs = [setting.ref(f"s{number:02}") for number in range(45)]
    there = {ref: f"value of {ref.key}".encode() for ref in refs[::2]}
    setting.put(there)
    answers = setting.open().fetch(refs)
    assert list(answers) == refs or set(answers) == set(refs)
    for ref in refs:
        answer = answers[ref]
        if ref not in there:
            assert isinstance(answer, Missing)
        elif setting.readable:
            assert isinstance(answer, Found)
            assert answer.value.reveal() == there[ref]
        else:
            assert isinstance(answer, Held)
            assert answer.name == ref.key


def test_an_empty_batch_is_an_empty_answer(setting: Setting) -> None:
    assert setting.open().fetch([]) == {}


def test_a_source_that_can_not_answer_never_says_missing(setting: Setting) -> None:
    if setting.tier == "environment":
        pytest.skip("the process can always read its own environment")
    refs = [setting.ref("one"), setting.ref("two")]
    setting.put({ref: CANARY.encode() for ref in refs} if setting.tier in ("env_local", "aws") else {})
    setting.refuse()
    with pytest.raises((SecretUnavailable, Unreachable, EngineRefused)) as refusal:
        setting.open().fetch(refs)
    assert CANARY not in f"{refusal.value!r} {refusal.value.message} {refusal.value.hint} {refusal.value.detail}"


def test_no_value_is_shown(
    setting: Setting, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    refs = [setting.ref("one"), setting.ref("two")]
    setting.put(dict.fromkeys(refs, CANARY.encode()))
    caplog.clear()
    source = setting.open()
    answers = source.fetch(refs)
    texts = [
        repr(answers),
        str(answers),
        f"{answers}",
        repr(source),
        *source.warnings(),
        caplog.text,
        *capfd.readouterr(),
    ]
    assert not [text for text in texts if CANARY in text]


def test_a_source_introduces_itself(setting: Setting) -> None:
    source = setting.open()
    assert source.tier == setting.tier
    assert source.remote == (setting.tier == "aws")


def test_a_ref_is_an_answer_key(setting: Setting) -> None:
    ref = setting.ref("one")
    setting.put({ref: b"x"})
    answers = setting.open().fetch([ref])
    assert list(answers) == [ref]
    assert isinstance(next(iter(answers)), SecretRef)
