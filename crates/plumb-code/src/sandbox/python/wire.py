# Values between the tests and a sample: a closed grammar of exact built-in types, read without running anything.
#
# A value is a tag byte and what the tag says. Counts and lengths are 4 bytes, little end first. Reading checks every
# length against what is left before it makes anything, and the depth, so that no bytes can do more than be refused.
import os
import struct
from collections import Counter, OrderedDict, defaultdict, deque

DEPTH = 100
WORD = struct.Struct("<I")
LONG = struct.Struct("<q")
REAL = struct.Struct("<d")
PAIR = struct.Struct("<dd")
SMALL = 1 << 63
MUTABLE = (list, dict, set, bytearray, deque, OrderedDict, Counter, defaultdict)


class Outside(Exception):
    """The value, or the bytes, are outside the grammar."""


def sized(tag, body):
    return tag + WORD.pack(len(body)) + body


def encode(value, limit):
    out = []
    put(value, out, limit, DEPTH)
    done = b"".join(out)
    if len(done) > limit:
        raise Outside("larger than %d bytes" % limit)
    return done


def put(value, out, limit, depth):
    kind = type(value)
    if kind is int:
        if -SMALL <= value < SMALL:
            out.append(b"i" + LONG.pack(value))
        else:
            out.append(sized(b"I", value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)))
    elif kind is str:
        out.append(sized(b"s", value.encode("utf-8", "surrogatepass")))
    elif value is None:
        out.append(b"N")
    elif value is True:
        out.append(b"T")
    elif value is False:
        out.append(b"F")
    elif kind is float:
        out.append(b"f" + REAL.pack(value))
    elif kind is complex:
        out.append(b"c" + PAIR.pack(value.real, value.imag))
    elif kind is bytes:
        out.append(sized(b"b", value))
    elif kind is bytearray:
        out.append(sized(b"a", bytes(value)))
    elif kind is range:
        out.append(b"r")
        for part in (value.start, value.stop, value.step):
            put(part, out, limit, depth)
    else:
        put_many(value, kind, out, limit, depth - 1)


SEQUENCES = {list: b"l", tuple: b"t", set: b"S", frozenset: b"Z", deque: b"q"}
MAPPINGS = {dict: b"d", OrderedDict: b"o", Counter: b"C", defaultdict: b"D"}
# What can be gone through once; it crosses as its elements.
ONCE = {type(x) for x in (iter(()), iter([]), iter(""), iter({}), iter(set()), iter(range(0)), zip(), map(id, ()),
                          filter(None, ()), enumerate(()), reversed([]), (n for n in ()), {}.keys(), {}.values(),
                          {}.items(), iter({}.values()), iter({}.items()))}


def put_many(value, kind, out, limit, depth):
    if depth <= 0:
        raise Outside("nested deeper than %d" % DEPTH)
    tag = SEQUENCES.get(kind)
    if tag is not None:
        out.append(tag + WORD.pack(len(value)))
        for part in value:
            put(part, out, limit, depth)
    elif kind in MAPPINGS:
        out.append(MAPPINGS[kind] + WORD.pack(len(value)))
        for key, part in value.items():
            put(key, out, limit, depth)
            put(part, out, limit, depth)
    elif kind in ONCE:
        put_once(value, out, limit, depth)
    else:
        raise Outside("of type %s.%s" % (kind.__module__, kind.__qualname__))
    if len(out) > limit:
        raise Outside("larger than %d bytes" % limit)


def put_once(value, out, limit, depth):
    at = len(out)
    out.append(b"")
    count = 0
    for part in value:
        put(part, out, limit, depth)
        count += 1
        if len(out) > limit:
            raise Outside("larger than %d bytes" % limit)
    out[at] = b"g" + WORD.pack(count)


def decode(data):
    """The one value that the bytes hold."""
    value, at = get(data, 0, DEPTH)
    if at != len(data):
        raise Outside("bytes after the value")
    return value


def get(data, at, depth):
    """The value at a position, and the position after it."""
    try:
        return get_any(data, at, depth)
    except (struct.error, IndexError, UnicodeDecodeError, TypeError, ValueError, OverflowError) as problem:
        raise Outside("broken bytes: %s" % type(problem).__name__) from None


def get_any(data, at, depth):
    tag = data[at]
    at += 1
    if tag == 0x69:  # i
        return LONG.unpack_from(data, at)[0], at + 8
    if tag == 0x73:  # s
        body, at = body_of(data, at)
        return body.decode("utf-8", "surrogatepass"), at
    if tag == 0x4E:  # N
        return None, at
    if tag == 0x54:  # T
        return True, at
    if tag == 0x46:  # F
        return False, at
    if tag == 0x66:  # f
        return REAL.unpack_from(data, at)[0], at + 8
    if tag == 0x49:  # I
        body, at = body_of(data, at)
        return int.from_bytes(body, "little", signed=True), at
    if tag == 0x63:  # c
        return complex(*PAIR.unpack_from(data, at)), at + 16
    if tag == 0x62:  # b
        return body_of(data, at)
    if tag == 0x61:  # a
        body, at = body_of(data, at)
        return bytearray(body), at
    if tag == 0x72:  # r
        parts = []
        for _ in range(3):
            part, at = get_any(data, at, 0)
            if type(part) is not int:
                raise Outside("a range of no whole numbers")
            parts.append(part)
        return range(*parts), at
    return get_many(data, at, depth - 1, tag)


def body_of(data, at):
    size = WORD.unpack_from(data, at)[0]
    at += 4
    if size > len(data) - at:
        raise Outside("a length beyond the end")
    return data[at : at + size], at + size


BUILD = {0x6C: list, 0x74: tuple, 0x53: set, 0x5A: frozenset, 0x71: deque, 0x67: iter}
BUILD_MAPPING = {0x64: dict, 0x6F: OrderedDict, 0x43: Counter, 0x44: lambda d: defaultdict(None, d)}


def get_many(data, at, depth, tag):
    if depth <= 0:
        raise Outside("nested deeper than %d" % DEPTH)
    build = BUILD.get(tag)
    mapping = BUILD_MAPPING.get(tag)
    if build is None and mapping is None:
        raise Outside("an unknown tag")
    count = WORD.unpack_from(data, at)[0]
    at += 4
    if count > len(data) - at:
        raise Outside("a count beyond the end")
    if build is not None:
        parts = []
        for _ in range(count):
            part, at = get_any(data, at, depth)
            parts.append(part)
        return build(parts), at
    pairs = {}
    for _ in range(count):
        key, at = get_any(data, at, depth)
        pairs[key], at = get_any(data, at, depth)
    return mapping(pairs), at


class Gone(Exception):
    """The other end is closed."""


def send(fd, kind, body):
    data = WORD.pack(len(body) + 1) + kind + body
    while data:
        try:
            data = data[os.write(fd, data) :]
        except (BrokenPipeError, ConnectionResetError):
            raise Gone from None


class Channel:
    """Messages from a file descriptor: 4 bytes of length, a byte of kind, a body."""

    def __init__(self, fd, limit):
        self.fd, self.limit, self.held = fd, limit, b""

    def receive(self):
        held = self.held
        while len(held) < 4:
            held += self.more(8192)
        size = WORD.unpack_from(held)[0]
        if not 1 <= size <= self.limit:
            raise Outside("a message of %d bytes" % size)
        if len(held) < size + 4:
            parts, have = [held], len(held)
            while have < size + 4:
                part = self.more(1 << 20)
                parts.append(part)
                have += len(part)
            held = b"".join(parts)
        self.held = held[size + 4 :]
        return held[4:5], held[5 : size + 4]

    def more(self, count):
        try:
            part = os.read(self.fd, count)
        except ConnectionResetError:
            part = b""
        if not part:
            raise Gone
        return part


def message(control):
    """A message of the supervisor, and the descriptors that came with it."""
    data, fds, wanted = b"", [], 4
    while len(data) < wanted:
        part, extra, _, _ = control.recvmsg(wanted - len(data), 64)
        if not part:
            raise Gone
        data += part
        if len(data) == 4:
            wanted = 4 + WORD.unpack(data)[0]
        for _, _, held in extra:
            fds += [WORD.unpack_from(held, at)[0] for at in range(0, len(held) - 3, 4)]
    return data[4:], fds
