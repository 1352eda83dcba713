#!/usr/bin/env python3
"""Writes the test data of JOTWeb's world: pickles.jsonl, what Python wrote with protocols 0 to 2 and what it means as JSON, and
site.sql, a database of the seed's shape with hashes by the C library's crypt(3). The files are committed, so that no test needs
Python; where it is there, a test makes them again and compares. Usage: make.py FOLDER"""

import ctypes
import ctypes.util
import datetime
import decimal
import hashlib
import io
import json
import pickle
import pickletools
import struct
import sys


class Cart(object):
    """A class that JSON knows nothing of."""

    def __init__(self):
        self.items = [1, 2]


class Basket(dict):
    """A subclass of dict, pickled as an object that is given items."""


class Long(int):
    """Python 2's long, however small it is."""


for made in (Cart, Basket):
    made.__module__ = "shop.models"
shop = type(sys)("shop")
shop.models = type(sys)("shop.models")
shop.models.Cart, shop.models.Basket = Cart, Basket
sys.modules["shop"], sys.modules["shop.models"] = shop, shop.models


class Python2Pickler(pickle._Pickler):
    """Pickles as Python 2.3 did: bytes are its str, an int of 64 bits an int, Long its long."""

    dispatch = pickle._Pickler.dispatch.copy()

    def save_str(self, value):
        if not self.bin:
            self.write(b"S" + repr(value)[1:].encode("ascii") + b"\n")
        elif len(value) < 256:
            self.write(b"U" + bytes([len(value)]) + value)
        else:
            self.write(b"T" + struct.pack("<i", len(value)) + value)
        self.memoize(value)

    def save_unicode(self, value):
        if self.bin:
            raw = value.encode("utf-8", "surrogatepass")
            self.write(b"X" + struct.pack("<I", len(raw)) + raw)
        else:  # of a narrow build: pairs of surrogates
            units = value.encode("utf-16-be", "surrogatepass")
            narrow = "".join(chr(u) for (u,) in struct.iter_unpack(">H", units))
            escaped = narrow.replace("\\", "\\u005c").replace("\n", "\\u000a")
            self.write(b"V" + escaped.encode("raw-unicode-escape") + b"\n")
        self.memoize(value)

    def save_Long(self, value):
        if self.proto >= 2:
            raw = pickle.encode_long(value)
            if len(raw) < 256:
                self.write(b"\x8a" + bytes([len(raw)]) + raw)
            else:
                self.write(b"\x8b" + struct.pack("<i", len(raw)) + raw)
        else:
            self.write(b"L" + str(int(value)).encode() + b"L\n")

    def save_int(self, value):
        if self.bin and -(2**31) <= value < 2**31:
            self.save_long(value)
        else:
            self.write(b"I" + str(value).encode() + b"\n")

    dispatch[bytes] = save_str
    dispatch[str] = save_unicode
    dispatch[int] = save_int
    dispatch[Long] = save_Long


def dumps2(value, protocol):
    out = io.BytesIO()
    Python2Pickler(out, protocol).dump(value)
    return out.getvalue()


def shared_list():
    both = [1, [2]]
    return {"a": both, "b": both, "c": [both]}


def cycle():
    d = {b"name": b"ann", b"list": [1]}
    d[b"list"].append(d[b"list"])
    d[b"self"] = d
    return d


# name, value, what it means as JSON, what is lost
VALUES = [
    ("empty", {}, {}, {}),
    ("str", {b"name": b"Ann O'Neil", b"quote": b'"\\\n\t\x7f', b"long": b"x" * 300}, {"name": "Ann O'Neil", "quote": '"\\\n\t\x7f', "long": "x" * 300}, {}),
    ("str both quotes", {b"q": b"a'b\"c"}, {"q": "a'b\"c"}, {}),
    ("str utf-8", {b"city": "Zürich €".encode()}, {"city": "Zürich €"}, {}),
    ("str latin-1", {b"city": "Zürich".encode("latin-1")}, {"city": "Zürich"}, {}),
    ("str nul", {b"a": b"x\0y", b"b": 1, b"l": [b"\0", 2]}, {"b": 1, "l": [None, 2]}, {"text with U+0000": 2}),
    ("unicode", {"name": "Zürich €\n\\ \\u0041 𝄞", "": "empty key"}, {"name": "Zürich €\n\\ \\u0041 𝄞", "": "empty key"}, {}),
    ("unicode nul", {"k\0": 1, "k": 2}, {"k": 2}, {"text with U+0000": 1}),
    ("unicode half a pair", {"a": "\ud834", "b": "x\udd1e", "c": 1}, {"c": 1}, {"text with half a surrogate pair": 2}),
    ("int", {b"a": 0, b"b": 255, b"c": 256, b"d": 65536, b"e": -1, b"f": 2**31 - 1, b"g": -(2**31), b"h": 2**63 - 1, b"i": -(2**63)},
     {"a": 0, "b": 255, "c": 256, "d": 65536, "e": -1, "f": 2**31 - 1, "g": -(2**31), "h": 2**63 - 1, "i": -(2**63)}, {}),
    ("long", {b"a": Long(0), b"b": Long(-1), b"c": Long(2**64), b"d": Long(-(2**64)), b"e": Long(10**1000), b"f": Long(-256)},
     {"a": 0, "b": -1, "c": 2**64, "d": -(2**64), "e": 10**1000, "f": -256}, {}),
    ("float", {b"a": 0.1, b"b": -1.5, b"c": 1e308, b"d": 5e-324, b"e": 2.0}, {"a": 0.1, "b": -1.5, "c": 1e308, "d": 5e-324, "e": 2.0}, {}),
    ("float not finite", {b"a": float("nan"), b"b": float("inf"), b"c": [float("-inf"), 1.5]}, {"c": [None, 1.5]}, {"a number that is not finite": 3}),
    ("bool and None", {b"t": True, b"f": False, b"n": None}, {"t": True, "f": False, "n": None}, {}),
    ("list and tuple", {b"l": [], b"m": [1, [2, []]], b"t": (), b"u": (1,), b"v": (1, 2), b"w": (1, 2, 3), b"x": (1, 2, 3, 4)},
     {"l": [], "m": [1, [2, []]], "t": [], "u": [1], "v": [1, 2], "w": [1, 2, 3], "x": [1, 2, 3, 4]}, {}),
    ("dict", {b"a": {}, b"b": {b"c": {b"d": 1}}}, {"a": {}, "b": {"c": {"d": 1}}}, {}),
    ("keys", {1: b"int", 1.5: b"float", None: b"none", False: b"bool", Long(2**70): b"long", (1, 2): b"tuple"},
     {"1": "int", "1.5": "float", "null": "none", "false": "bool", str(2**70): "long"}, {"a dict's key that is no text or number": 1}),
    ("two keys of one text", {1: b"int", b"1": b"str", b"x": 1}, {"1": "int", "x": 1}, {"a dict's key that is another's text": 1}),
    ("shared", shared_list(), {"a": [1, [2]], "b": [1, [2]], "c": [[1, [2]]]}, {}),
    ("cycle", cycle(), {"name": "ann", "list": [1, None]}, {"a value within itself": 2}),
    ("objects", {b"when": datetime.datetime(2003, 4, 11), b"cart": Cart(), b"list": [1, Cart(), 2], b"price": decimal.Decimal("1.50"), b"basket": Basket(a=1), b"ok": 1},
     {"list": [1, None, 2], "ok": 1}, {"datetime.datetime": 1, "shop.models.Cart": 2, "decimal.Decimal": 1, "shop.models.Basket": 1}),
    ("classes and functions", {b"class": Cart, b"function": len, b"set": {1, 2}, b"ok": 1}, {"ok": 1}, {"a class or function": 2, "__builtin__.set": 1}),
]

# Written by hand: what no value makes Python 3 write. name, pickle, JSON or None where it cannot be read, lost
BY_HAND = [
    ("old-style instance", b"(dp0\nS'a'\np1\n(ishop\nCart\np2\n(dp3\nS'items'\np4\nI3\nsbsS'ok'\np5\nI1\ns.", {"ok": 1}, {"shop.Cart": 1}),
    ("old-style instance, binary", b"}q\x00(U\x01aq\x01(cshop\nCart\noq\x02}q\x03U\x05itemsq\x04K\x03sbU\x02okq\x05K\x01u.", {"ok": 1}, {"shop.Cart": 1}),
    ("system", b"cos\nsystem\n(S'touch /tmp/pwned'\ntR.", None, {}),
    ("system in a dict", b"(dS'x'\ncos\nsystem\n(S'touch /tmp/pwned'\ntRsS'ok'\nI1\ns.", {"ok": 1}, {"os.system": 1}),
    ("persistent", b"(dS'x'\nPsecret\nsS'ok'\nI1\ns.", {"ok": 1}, {"an instance of a class": 1}),
    ("no dict", b"(lp0\nI1\na.", None, {}),
    ("newline behind it", b"(dp0\n.\n", {}, {}),
    ("text behind it", b"(dp0\n.x", None, {}),
    ("nothing", b"", None, {}),
    ("text", b"hello", None, {}),
    ("cut", b"(dp0\nS'a'\np1\nI1\n", None, {}),
    ("unknown memo", b"(dS'a'\ng7\ns.", None, {}),
    ("protocol 3", pickle.dumps({"a": 1}, 3), None, {}),
    ("protocol 4", pickle.dumps({"a": 1}, 4), None, {}),
    ("a length of two gigabytes", b"}U\x01aT\xff\xff\xff\x7fx.", None, {}),
    ("long of no byte", b"\x80\x02}U\x01a\x8a\x00s.", {"a": 0}, {}),
    ("long of too many digits", b"(dS'a'\nL" + b"9" * 5000 + b"L\ns.", None, {}),
    ("float of another system", b"(dS'a'\nF1.#INF\nsS'b'\nI1\ns.", {"b": 1}, {"a number that is not finite": 1}),
    ("octal and unknown escapes", b"(dS'a'\nS'\\101\\8\\q\\x42'\ns.", {"a": "A\\8\\qB"}, {}),
]


def escaped(raw):
    """bytea's text as PyPgSQL's PgQuoteBytea wrote it and the table then holds it."""
    return "".join("\\\\" if b == 0x5C else chr(b) if 0x20 <= b < 0x7F else "\\%03o" % b for b in raw).encode()


def normal(value):
    return None if value is None else json.dumps(value, ensure_ascii=True, sort_keys=True)


def pickles():
    for name, value, want, lost in VALUES:
        for protocol in (0, 1, 2):
            yield "%s, protocol %d" % (name, protocol), dumps2(value, protocol), want, lost
    for name, value, want, lost in VALUES:
        if not any(word in name for word in ("latin-1", "long", "int", "keys", "cycle", "shared")):
            for protocol in (0, 1, 2):
                yield "%s, by Python 3, protocol %d" % (name, protocol), pickletools.optimize(pickle._dumps(value, protocol)), want, lost
    yield from BY_HAND
    raw = dumps2({b"name": "Zürich \\".encode("latin-1"), b"n": 1}, 2)
    yield "octal escapes", escaped(raw), {"name": "Zürich \\", "n": 1}, {}
    yield "hexadecimal", b"\\x" + raw.hex().encode(), {"name": "Zürich \\", "n": 1}, {}
    yield "octal escapes of protocol 0", escaped(dumps2({b"a": b"b\\c"}, 0)), {"a": "b\\c"}, {}
    yield "octal escapes, broken", b"\\200\\002}\\9.", None, {}


def crypt(password, salt):
    lib = ctypes.CDLL(ctypes.util.find_library("crypt"))
    lib.crypt.restype = ctypes.c_char_p
    hashed = lib.crypt(password.encode(), salt.encode())
    if not hashed or hashed.startswith(b"*"):
        sys.exit("crypt(3) does not know the salt " + salt)
    return hashed.decode()


def literal(value):
    if value is None:
        return "null"
    if isinstance(value, bytes):
        value = value.decode("ascii")
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'" if "\\" not in value else "e'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
    return str(value)


CREATED = 1050000000  # in April 2003
FUTURE = 2000000000  # in May 2033


def site():
    """The site's tables, with columns of its own and in an order of its own."""
    users = [
        ("des", crypt("pässword-1", "ab"), CREATED, CREATED + 1, CREATED + 2, dumps2({b"mail": b"des@example.org", b"visits": 3}, 0)),
        ("extdes", crypt("pässword-1", "_J9..rasm"), CREATED, None, None, dumps2({}, 0)),
        ("md5crypt", crypt("pässword-1", "$1$salt5678"), CREATED, CREATED + 1, None, escaped(dumps2({b"mail": b"md5@example.org"}, 2))),
        ("md5hex", hashlib.md5("pässword-1".encode()).hexdigest(), CREATED, None, None, escaped(dumps2({"name": "Zürich"}, 1))),
        ("pending", crypt("pässword-1", "cd"), CREATED, None, None, dumps2({b"acknowledgement": b"k3y", b"mail": b"p@example.org"}, 0)),
        ("partly", crypt("pässword-1", "ef"), CREATED, None, None, dumps2({b"since": datetime.datetime(2003, 4, 11), b"mail": b"q@example.org"}, 0)),
        ("broken", crypt("pässword-1", "gh"), CREATED, None, None, b"not a pickle"),
        ("bad\nname", crypt("pässword-1", "ij"), CREATED, None, None, dumps2({}, 0)),
    ]
    hashes = {u[0]: u[1] for u in users}
    sessions = [
        ("des-cookie", "des", hashes["des"], CREATED, 3600, FUTURE, dumps2({b"cart": [b"apples", 3]}, 0)),
        ("extdes-cookie", "extdes", hashes["extdes"], CREATED, None, None, dumps2({}, 0)),
        ("md5crypt-cookie", "md5crypt", hashes["md5crypt"], CREATED, 60, FUTURE, escaped(dumps2({b"a": 1}, 1))),
        ("md5hex-cookie", "md5hex", hashes["md5hex"], CREATED, None, FUTURE, dumps2({}, 0)),
        ("expired-cookie", "des", hashes["des"], CREATED, 60, CREATED + 60, dumps2({}, 0)),
        ("old-password-cookie", "des", crypt("another", "ab"), CREATED, 60, FUTURE, dumps2({}, 0)),
        ("stranger-cookie", "nobody", hashes["des"], CREATED, 60, FUTURE, dumps2({}, 0)),
        ("broken-cookie", "des", hashes["des"], CREATED, 60, FUTURE, b"not a pickle"),
        ("broken-user-cookie", "broken", hashes["broken"], CREATED, 60, FUTURE, dumps2({}, 0)),
        ("negative-cookie", "des", hashes["des"], CREATED, -1, FUTURE, dumps2({}, 0)),
        ("partly-cookie", "des", hashes["des"], CREATED, 60, FUTURE, dumps2({b"when": datetime.date(2003, 4, 11), b"a": 1}, 0)),
        ("pending-cookie", "pending", hashes["pending"], CREATED, 60, FUTURE, dumps2({}, 0)),
    ]
    yield "-- A JOTWeb site's database, made by make.py. The password of all users is pässword-1.\n"
    yield """create table users (
  payload text not null,
  newsletter boolean default true,
  id serial,
  username text unique not null,
  cryptpasswd text not null,
  createddate integer not null,
  ts_created timestamp default now(),
  lastlogin integer default null,
  lasthit integer default null
);
create table sessions (
  id serial,
  key text unique not null,
  username text not null,
  cryptpasswd text not null,
  createddate integer not null,
  ts_created timestamp default now(),
  expiresecs integer default null,
  expires integer default null,
  payload text not null,
  comment text default 'theirs'
);
"""
    for row in users:
        yield "insert into users (username, cryptpasswd, createddate, lastlogin, lasthit, payload) values (%s);\n" % ", ".join(map(literal, row))
    for row in sessions:
        yield "insert into sessions (key, username, cryptpasswd, createddate, expiresecs, expires, payload) values (%s);\n" % ", ".join(map(literal, row))


def main(folder):
    with open(folder + "/pickles.jsonl", "w", encoding="ascii") as out:
        for name, raw, want, lost in pickles():
            print(json.dumps({"name": name, "pickle": raw.hex(), "json": normal(want), "lost": lost}), file=out)
    with open(folder + "/site.sql", "w", encoding="utf-8") as out:
        out.writelines(site())


main(sys.argv[1])
