"""Values of secrets are taken out of the last words of what failed, in whatever way a program wrote them."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from provisioner.model.secret import SecretValue
from provisioner.secrets.mask import Mask

VALUE = 'p4ss "word"/ü=\'1'


@pytest.mark.parametrize(
    "written",
    [
        VALUE,
        json.dumps({"password": VALUE}),
        json.dumps({"password": VALUE}, ensure_ascii=False),
        repr(VALUE),
        f"https://db/?key={quote(VALUE, safe='')}",
        base64.b64encode(VALUE.encode()).decode(),
        base64.urlsafe_b64encode(VALUE.encode()).decode().rstrip("="),
        VALUE.encode().hex(),
    ],
)
def test_every_way_to_write_a_value_is_masked(written: str) -> None:
    masked = Mask([SecretValue(VALUE.encode())])(f"refused: {written} at line 3")
    assert "(sensitive)" in masked
    assert "p4ss" not in masked
    assert base64.b64encode(VALUE.encode()).decode()[:12] not in masked
    assert masked.startswith("refused: ")
    assert masked.endswith(" at line 3")


def test_a_line_of_a_key_is_masked_by_itself() -> None:
    key = b"-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\n-----END KEY-----\n"
    assert Mask([SecretValue(key)])("bad line MIIEvQIBADANBgkqhkiG") == "bad line (sensitive)"


def test_the_line_end_of_a_file_is_no_part_of_its_value() -> None:
    assert Mask([SecretValue(b"hunter2\n")])("login with hunter2 failed") == "login with (sensitive) failed"


def test_a_short_value_is_masked_as_a_word_only() -> None:
    assert Mask([SecretValue(b"x")])("exit x: syntax") == "exit (sensitive): syntax"


def test_variables_that_look_like_secrets_are_masked_others_are_not() -> None:
    mask = Mask([], {"DB_PASSWORD": "hunter2-abc", "LOG_LEVEL": "debug", "URL": "postgres://me:s3cret@db/x"})
    assert mask("hunter2-abc debug") == "(sensitive) debug"
    assert "s3cret" not in mask("connecting to postgres://me:s3cret@db/x")
    assert mask("connecting to redis://u:other@cache/0") == "connecting to redis://u:(sensitive)@cache/0"


def test_nothing_is_masked_where_nothing_is_secret() -> None:
    assert Mask([], {"A": "1"})("a plain line") == "a plain line"
