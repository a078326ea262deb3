# The tester: holds the tests, calls the sample through a channel, and says what held. Follows wire.py.
#
# Nothing that a sample sends is run or trusted to be more than a value. What a test sees of the sample is a function that
# answers with a value or raises a built-in exception.
import _socket
import ast
import builtins
import gc
import json
import random
import resource
import sys

CONTROL = 3
NO_NAMED = encode({}, 16)


class End(BaseException):
    """Ends the tests: no further call can be answered. Tests that catch it end anyway at their next call."""

    def __init__(self, verdict, detail):
        self.verdict, self.detail = verdict, detail


class SampleError(Exception):
    """Raised in tests where the sample raised an exception of a class of its own."""


RAISED = {
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, UnicodeError)
}


class Sample:
    """The sample at the other end of a channel."""

    def __init__(self, fd, limit):
        self.channel, self.limit = Channel(fd, limit + 65536), limit
        self.over, self.raised, self.defined, self.answers = None, [], (), 0

    def end(self, verdict, detail):
        if self.over is None:
            self.over = End(verdict, detail)
        raise self.over

    def receive(self):
        try:
            return self.channel.receive()
        except Gone:
            self.end("gone", "it ended before the tests did")
        except Outside as problem:
            self.end("outside-grammar", "its answer is %s" % problem)

    def read(self, body, at=0):
        try:
            return get(body, at, DEPTH)
        except (Outside, RecursionError) as problem:
            self.end("outside-grammar", "its answer is %s" % problem)
        except MemoryError:
            self.end("outside-grammar", "its answer takes more memory than the tests have")

    def loaded(self):
        kind, body = self.receive()
        if kind == b"R":
            self.defined, _ = self.read(body)
        elif kind == b"S":
            self.end("syntax-error", body.decode("utf-8", "replace"))
        else:
            self.failed(kind, body)

    def failed(self, kind, body):
        """What is neither an answer nor an exception that a test may see."""
        if kind == b"E":
            self.end(*self.told(body, "when it was loaded")[:2])
        if kind == b"X":
            self.end("exited-early", body.decode("utf-8", "replace"))
        if kind == b"G":
            self.end("outside-grammar", "its answer is %s" % body.decode("utf-8", "replace"))
        self.end("outside-grammar", "its answer is an unknown message")

    def told(self, body, when):
        told, _ = self.read(body)
        if not (type(told) is tuple and len(told) == 3 and type(told[0]) is type(told[1]) is str):
            self.end("outside-grammar", "its answer is a broken exception")
        name, message, number = told
        if name == "MemoryError":
            verdict = "memory-limit"
        elif number in (1, 13, 30):  # EPERM, EACCES, EROFS
            verdict = "forbidden"
        else:
            verdict = "exception"
        return verdict, "%s: %s (%s)" % (name, message, when), name, message

    def call(self, name, args, kwargs):
        if self.over is not None:
            raise self.over
        try:
            given = encode(args, self.limit)
            named = encode(kwargs, self.limit) if kwargs else NO_NAMED
        except Outside as problem:
            # Tests that hand on what the sample answered are not at fault if that is too deep or too large; its type never is, since
            # what came across can go back.
            own = self.answers and not str(problem).startswith("of type")
            verdict = "outside-grammar" if own else "infrastructure"
            self.end(verdict, "a test gives `%s` something %s, which cannot cross to the sample" % (name, problem))
        changes = b"\1" if any(mutable(a) for a in args) else b"\0"
        try:
            send(self.channel.fd, b"C", changes + encode(name, self.limit) + given + named)
        except Gone:
            pass
        kind, body = self.receive()
        if kind == b"V":
            at = 1
            if body[:1] == b"\1":
                after, at = self.read(body, at)
                if type(after) is not tuple or len(after) != len(args):
                    self.end("outside-grammar", "its answer is a broken list of arguments")
                for before, now in zip(args, after):
                    merge(before, now)
            value, at = self.read(body, at)
            self.answers += 1
            return value
        if kind == b"E":
            self.throw(body, name)
        if kind == b"A":
            names = [n for n in self.defined if type(n) is str] if type(self.defined) is tuple else []
            have = "it defines " + ", ".join(names[:8]) if names else "it defines no function"
            self.end("exception", "the sample has no function `%s`; %s" % (name, have))
        self.failed(kind, body)

    def throw(self, body, name):
        verdict, detail, kind, message = self.told(body, "in `%s`" % name)
        if verdict in ("memory-limit", "forbidden"):
            self.end(verdict, detail)
        error = RAISED.get(kind, SampleError)(message)
        self.raised.append(error)
        error.plumb_detail = detail
        raise error


def mutable(value):
    return type(value) in MUTABLE or type(value) is tuple and any(mutable(v) for v in value)


def merge(before, now):
    """Makes a value of the tests what it became in the sample, in place; returns what stands for it."""
    if type(before) is not type(now):
        return now
    if type(before) is list:
        before[:] = [merge(b, n) for b, n in zip(before, now)] + now[len(before) :]
    elif type(before) is tuple:
        for b, n in zip(before, now):
            merge(b, n)
    elif isinstance(before, dict):
        kept = {k: merge(before[k], v) if k in before else v for k, v in now.items()}
        dict.clear(before)
        before.update(kept)
    elif type(before) is set:
        before.clear()
        before.update(now)
    elif type(before) is bytearray:
        before[:] = now
    elif type(before) is deque:
        before.clear()
        before.extend(now)
    else:
        return now
    return before


def compiled(text, name):
    return compile(text, name, "exec", dont_inherit=True)


def setup_code(text, entry):
    """A prompt that ends in the head of a function gets a body; one that is broken there ends before that function, which the tests
    have from the sample anyway."""
    try:
        return compiled(text, "<setup>")
    except SyntaxError as first:
        for body in ("\n    pass\n", "\n        pass\n", "\n\tpass\n"):
            try:
                return compiled(text.rstrip("\n") + body, "<setup>")
            except SyntaxError:
                pass
        at = text.rfind("def %s" % entry) if entry else -1
        if at >= 0:
            try:
                return compiled(text[:at], "<setup>")
            except SyntaxError:
                pass
        raise first


# Statements of `check` beside which assertions can be counted: they neither test nor decide.
PLAIN = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.FunctionDef, ast.Pass)
COUNTED, ERROR = "__plumb_counted__", "__plumb_error__"


def counted(tree):
    """Makes each assertion at the top of `check` report by itself; the number of them, or why not."""
    checks = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "check"]
    if len(checks) != 1:
        return None, "there is no single `check`"
    body, total = [], 0
    for n in checks[0].body:
        if isinstance(n, ast.Assert):
            body.append(n)
            total += 1
        elif isinstance(n, PLAIN) or isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant):
            body.append(n)
        else:
            return None, "`check` has more than assertions"
    if total == 0:
        return None, "`check` has no assertion"
    place = {"lineno": 1, "col_offset": 0, "end_lineno": 1, "end_col_offset": 0}
    told = ast.Call(ast.Name(COUNTED, ast.Load(), **place), [ast.Constant(None, **place)], [], **place)
    told_error = ast.Call(ast.Name(COUNTED, ast.Load(), **place), [ast.Name(ERROR, ast.Load(), **place)], [], **place)
    kind = ast.Name("BaseException", ast.Load(), **place)
    guards = [ast.ExceptHandler(kind, ERROR, [ast.Expr(told_error, **place)], **place)]
    held = ast.Expr(told, **place)
    checks[0].body = [
        ast.Try([n, held], guards, [], [], **place) if isinstance(n, ast.Assert) else n for n in body
    ]
    return total, None


def names_of(code):
    found = set(code.co_names)
    for part in code.co_consts:
        if isinstance(part, type(code)):
            found |= names_of(part)
    return found


class Tests:
    """The tests of one problem, compiled once."""

    def __init__(self, given):
        self.entry, self.weak = given["entry_point"], given["weak"]
        self.given = given
        self.setup = setup_code(given["setup"], self.entry)
        if self.weak:
            return
        if given["check"] is not None:
            tree = ast.parse(given["check"])
            self.total, self.why = counted(tree)
            self.parts = [compiled(tree, "<tests>")]
            self.names = ()
        else:
            self.parts = [compiled(text, "<test %d>" % (n + 1)) for n, text in enumerate(given["asserts"])]
            self.total, self.why = len(self.parts), None
            self.names = sorted(set().union(*[names_of(p) for p in self.parts]) if self.parts else ())


def made(given):
    """Trees of syntax are many objects without cycles: no garbage is looked for while they are made."""
    gc.disable()
    try:
        return Tests(given)
    finally:
        gc.enable()


def words(error):
    """What an exception says; its argument may be an answer that has no text, such as a number of too many digits."""
    try:
        return str(error)[:500]
    except Exception:
        return ""


class Tally:
    """What held. The first failure decides the verdict; the rest are only counted."""

    def __init__(self, sample):
        self.sample, self.passed, self.seen, self.first = sample, 0, 0, None

    def count(self, error):
        self.seen += 1
        if error is None:
            self.passed += 1
            return
        self.fail(error)
        if not isinstance(error, Exception):
            raise error

    def fail(self, error):
        if self.first is not None:
            return
        if isinstance(error, End):
            self.first = error.verdict, error.detail
        elif any(error is raised for raised in self.sample.raised):
            self.first = "exception", error.plumb_detail
        elif isinstance(error, AssertionError):
            self.first = "wrong-answer", words(error)
        elif isinstance(error, MemoryError):
            # Which no reference solution makes them do.
            verdict = "outside-grammar" if self.sample.answers else "infrastructure"
            self.first = verdict, "the tests ran out of memory" + (" on its answers" if self.sample.answers else "")
        else:
            self.first = "exception", "%s: %s (in the tests)" % (type(error).__name__, words(error))


def run(tests, sample):
    if tests.weak:
        return run_weak(tests, sample)
    tally = Tally(sample)
    try:
        sample.loaded()
    except End as end:
        return end.verdict, end.detail, 0, tests.total, tests.why
    random.seed(0)
    try:
        space = {"__name__": "tests", COUNTED: tally.count}
        try:
            exec(tests.setup, space)
        except Exception as problem:
            # The sample has no part in it: tests like these may need its classes, and so its process.
            why = "%s: %s (in what comes before the tests)" % (type(problem).__name__, problem)
            return "infrastructure", why, 0, None, "nothing was tested"
        if tests.entry is not None:
            space[tests.entry] = proxy(sample, tests.entry)
        if tests.given["check"] is not None:
            exec(tests.parts[0], space)
            space["check"](space[tests.entry])
        else:
            for name in tests.names:
                if name not in space and not hasattr(builtins, name):
                    space[name] = proxy(sample, name)
            for part in tests.parts:
                one(part, space, tally)
    except BaseException as error:
        tally.fail(error)
    if tally.first is None and sample.over is not None:
        tally.first = sample.over.verdict, sample.over.detail
    reached = tests.total is not None and tally.seen == tests.total
    why = tests.why or (None if reached else "it ended before all tests were reached")
    verdict, detail = tally.first or ("passed", "")
    return verdict, detail, tally.passed, tests.total if reached else None, why


def one(part, space, tally):
    try:
        exec(part, space)
    except BaseException as error:
        tally.count(error)
    else:
        tally.count(None)


def proxy(sample, name):
    def candidate(*args, **kwargs):
        return sample.call(name, args, kwargs)

    candidate.__name__ = candidate.__qualname__ = name
    return candidate


def run_weak(tests, sample):
    """The sample's process runs the tests and says how they went; whoever wrote it could say anything."""
    why = "the sample's own process judged"
    try:
        sample.loaded()
        try:
            send(sample.channel.fd, b"W", encode(tests.given, sample.limit))
        except Gone:
            pass
        kind, body = sample.receive()
        if kind == b"P":
            return "passed", "", 0, None, why
        if kind == b"Q":
            return "wrong-answer", body.decode("utf-8", "replace"), 0, None, why
        sample.failed(kind, body)
    except End as end:
        return end.verdict, end.detail, 0, None, why


def answer(known, head, fd):
    sample = Sample(fd, head["value"])
    try:
        if "given" in head:
            # They come once: of tests that do not compile the reason is kept for the samples that follow.
            try:
                known[head["tests"]] = made(head["given"])
            except Exception as problem:
                known[head["tests"]] = problem.with_traceback(None)
        tests = known[head["tests"]]
        if isinstance(tests, Exception):
            raise tests
        said = run(tests, sample)
    except End as end:
        said = end.verdict, end.detail, 0, None, "it was not tested"
    except Exception as problem:
        said = "infrastructure", "the tests: %s: %s" % (type(problem).__name__, problem), 0, None, "the tests do not compile"
    verdict, detail, passed, total, why = said
    detail = detail[:2000].encode("utf-8", "replace").decode()
    return json.dumps({"verdict": verdict, "detail": detail, "passed": passed, "total": total, "why": why}).encode()


def main():
    control = _socket.socket(fileno=CONTROL)
    sys.setrecursionlimit(3000)
    known = {}
    first, _ = message(control)
    config = json.loads(first)
    sys.path[:] = config["path"]
    resource.setrlimit(resource.RLIMIT_AS, (config["memory"], config["memory"]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    send(CONTROL, b"H", b"tester")
    gc.collect()
    gc.freeze()
    try:
        while True:
            body, fds = message(control)
            head = json.loads(body)
            for gone in head.get("forget", ()):
                known.pop(gone, None)
            send(CONTROL, b"T", answer(known, head, fds[0]))
            # Only now, since a sample that waits would wake at this, to be ended a moment later anyway.
            os.close(fds[0])
    except Gone:
        raise SystemExit from None


main()
