"""The callback encryption, against vectors made elsewhere, another library, and damage of every kind."""

from __future__ import annotations

from base64 import b64decode, b64encode
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wechatpy.crypto import PrpCrypto

from yutang.channels.platform.crypto import BadCipher, decrypt, encrypt, is_signed, key_bytes, sign
from yutang.channels.platform.xml import Unreadable, read

TOKEN, CORP = "yutangtoken", "ww00yutangtest01"
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
RANDOM = b"ABCDEFGHIJKLMNOP"
VECTORS = [
    (
        "echo1",
        "vyx3HuuV3UaeH6CffeASr4rSTL+WHbyHIb0udMh+11CUzJf6F5WE0mvuaNxtAw5aN7HU0npYJVQYIWUFYEw1cw==",
        ("1760000000", "n0nce01", "ad16153afc7203f37fe20c14cd5f59240c074a5f"),
    ),
    (
        "<xml><A>鱼塘</A></xml>",
        "vyx3HuuV3UaeH6CffeASr2ICCDHx9No535BC5Al7qCQBjTsZ0QgPD3jNnbq4IC7mhT08sPYnR7FdnmzEFrW2CA==",
        ("1760000001", "n0nce02", "9a6ca32373932f77c704460d4dc0241aed375b7d"),
    ),
]
sizes = st.integers(0, 130) | st.sampled_from([1000, 65_535])
messages = sizes.flatmap(lambda n: st.binary(min_size=n, max_size=n))
receivers = st.text(st.characters(codec="utf-8"), max_size=40)


@pytest.mark.parametrize(("message", "encrypted", "signed"), VECTORS)
def test_vectors(message: str, encrypted: str, signed: tuple[str, str, str]) -> None:
    stamp, nonce, signature = signed
    assert encrypt(KEY, message.encode(), CORP, RANDOM) == encrypted
    assert decrypt(KEY, encrypted, CORP) == message.encode()
    assert sign(TOKEN, stamp, nonce, encrypted) == signature
    assert is_signed(signature, encrypted, nonce, stamp, TOKEN), "the order of the parts is no part of it"
    assert not is_signed(signature.upper(), TOKEN, stamp, nonce, encrypted)
    assert not is_signed("é\udcff", TOKEN, stamp, nonce, encrypted)


@given(messages, receivers, st.binary(min_size=16, max_size=16))
def test_what_was_encrypted_is_read_again(message: bytes, receiver: str, random: bytes) -> None:
    assert decrypt(KEY, encrypt(KEY, message, receiver, random), receiver) == message


def test_every_length_of_padding_is_read() -> None:
    """Also the pads above 16, where a reader of 128-bit blocks gives up."""
    for size in range(64):
        message = b"x" * size
        mine, theirs = encrypt(KEY, message, CORP), PrpCrypto(b64decode(KEY + "=")).encrypt("x" * size, CORP).decode()
        assert decrypt(KEY, theirs, CORP) == message
        assert PrpCrypto(b64decode(KEY + "=")).decrypt(mine, CORP) == "x" * size
        assert len(b64decode(mine)) % 32 == 0


def test_spare_bits_of_the_last_character_do_not_matter() -> None:
    """43 characters carry 258 bits for 256: four last characters mean the same key."""
    spellings = {KEY[:-1] + last for last in "89+/"} | {KEY}
    assert {key_bytes(spelling) for spelling in spellings} == {bytes(range(32))}


@pytest.mark.parametrize("key", ["", KEY[:-1], KEY + "A", KEY[:-1] + "=", KEY[:-1] + "鱼", KEY[:-1] + "\n"])
def test_a_wrong_key_is_named(key: str) -> None:
    with pytest.raises(BadCipher, match="EncodingAESKey"):
        decrypt(key, VECTORS[0][1], CORP)


@given(messages, st.data())
def test_damage_is_refused_and_never_a_surprise(message: bytes, data: st.DataObject) -> None:
    """A change of one byte: the signature shows it, and the decoder says what is wrong or gives other bytes, no more."""
    encrypted = encrypt(KEY, message, CORP, RANDOM)
    raw = bytearray(b64decode(encrypted))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    damaged = b64encode(raw).decode()
    assert not is_signed(sign(TOKEN, "1", "n", encrypted), TOKEN, "1", "n", damaged)
    if at >= len(raw) - 16:
        with pytest.raises(BadCipher):
            decrypt(KEY, damaged, CORP)
    else:
        with suppress(BadCipher):
            assert decrypt(KEY, damaged, CORP) != message or at < 32


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda b: b64encode(b).decode()))
def test_any_text_is_answered_with_bad_cipher(text: str) -> None:
    with pytest.raises(BadCipher):
        decrypt(KEY, text, CORP)


@pytest.mark.parametrize(
    "plain",
    [
        RANDOM + b"\0\0\0\x05echo1" + CORP.encode() + b"\0" * 23,
        RANDOM + b"\0\0\0\x05echo1" + CORP.encode() + b"\x21" * 23,
        RANDOM + b"\0\0\0\x7fecho1" + CORP.encode() + b"\x17" * 23,
        RANDOM + b"\xff\xff\xff\xffecho1" + CORP.encode() + b"\x17" * 23,
        b"\x20" * 32,
        b"A" * 15 + b"\x11" * 17,
    ],
    ids=["pad 0", "pad 33", "length past the end", "length of 4 GB", "only padding", "cut inside the random"],
)
def test_wrong_insides_are_refused(plain: bytes) -> None:
    cipher = PrpCrypto(b64decode(KEY + "=")).cipher
    with pytest.raises(BadCipher):
        decrypt(KEY, b64encode(cipher.encrypt(plain)).decode(), CORP)


@pytest.mark.parametrize("receiver", ["", "ww00yutangtest02", CORP + "1", CORP[:-1]])
def test_another_receiver_is_refused(receiver: str) -> None:
    with pytest.raises(BadCipher, match="corp id"):
        decrypt(KEY, VECTORS[0][1], receiver)


def test_xml_is_read_as_the_platforms_write_it() -> None:
    text = """\ufeff
    <xml><ToUserName><![CDATA[ww1]]></ToUserName><CreateTime>1760000000</CreateTime><Status>1</Status><State/>
    <Name><![CDATA[ <b>鱼</b> & 塘 ]]></Name><MemChangeList><Item><![CDATA[wmY7]]></Item></MemChangeList>
    <ExtAttr><Item><Name><![CDATA[工号]]></Name><Text><Value><![CDATA[A7]]></Value></Text></Item></ExtAttr>
    <Tag>a</Tag><Tag>b</Tag></xml >
    """
    assert read(text) == {
        "ToUserName": "ww1",
        "CreateTime": "1760000000",
        "Status": "1",
        "State": "",
        "Name": " <b>鱼</b> & 塘 ",
        "MemChangeList": ["wmY7"],
        "ExtAttr": [{"Name": "工号", "Text": {"Value": "A7"}}],
        "Tag": ["a", "b"],
    }
    assert read(' {"ToUserName": "gh", "Encrypt": "x"}') == {"ToUserName": "gh", "Encrypt": "x"}


LAUGHS = (
    '<!DOCTYPE l [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in zip("abcdefgh", "bcdefghi", strict=True))
    + "]><xml><A>&i;</A></xml>"
)


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><xml><A>&f;</A></xml>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd"><xml><A>1</A></xml>',
        "<a>" * 5000 + "</a>" * 5000,
        "<xml><A>&nbsp;</A></xml>",
        "<xml><A>",
        "<xml>text</xml>",
        "",
        "\ufffd\ufffd",
        "[1]",
        "{1}",
        '{"a":' * 5000,
        '{"a": "\udcff"}',
        "<xml><A>\udcff</A></xml>",
    ],
    ids=lambda text: text[:20],
)
def test_what_is_no_message_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        read(text)


@given(st.text())
def test_reading_anything_raises_nothing_else(text: str) -> None:
    for body in (text, "{" + text, f"<xml>{text}</xml>"):
        with suppress(Unreadable):
            assert isinstance(read(body), dict)
