//! The reader of values that cross from a sample to the tests, given anything.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const WIRE: &str = include_str!("../../src/sandbox/python/wire.py");
/// Reads lines of hexadecimal bytes; says whether they are refused, or what types the value is made of and whether writing it
/// and reading that again gives as much.
const LOOP: &str = r#"
import sys, binascii
ALLOWED = (int, str, float, bool, type(None), complex, bytes, bytearray, list, tuple, dict, set, frozenset, range,
           OrderedDict, Counter, defaultdict, deque, type(iter([])))
def exact(v):
    if type(v) not in ALLOWED:
        return False
    if type(v) in (list, tuple, set, frozenset, deque):
        return all(exact(x) for x in v)
    if type(v) in (dict, OrderedDict, Counter, defaultdict):
        return all(exact(k) and exact(x) for k, x in v.items())
    return True
for line in sys.stdin:
    try:
        value = decode(binascii.unhexlify(line.strip()))
    except Outside:
        print("refused", flush=True)
        continue
    except BaseException as e:
        print("broke", type(e).__name__, e, flush=True)
        continue
    if not exact(value):
        print("broke: another type", flush=True)
        continue
    once = encode(value, 1 << 20)
    # By size, since a set's order may be another.
    print("same" if len(encode(decode(once), 1 << 20)) == len(once) else "broke: not the same", flush=True)
"#;

struct Reader {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Reader {
    fn start() -> Reader {
        let mut child = Command::new("/usr/bin/python3")
            .args(["-S", "-c", &format!("{WIRE}\n{LOOP}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Reader { child, to, from: BufReader::new(from) }
    }

    fn say(&mut self, bytes: &[u8]) -> String {
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        writeln!(self.to, "{hex}").unwrap();
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn sized(tag: u8, body: &[u8]) -> Vec<u8> {
    [&[tag][..], &(body.len() as u32).to_le_bytes(), body].concat()
}

/// Bytes that follow the grammar.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        Just(b"N".to_vec()),
        Just(b"T".to_vec()),
        any::<i64>().prop_map(|n| [&b"i"[..], &n.to_le_bytes()].concat()),
        any::<[u8; 8]>().prop_map(|b| [&b"f"[..], &b].concat()),
        any::<[u8; 16]>().prop_map(|b| [&b"c"[..], &b].concat()),
        ".{0,8}".prop_map(|s: String| sized(b's', s.as_bytes())),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(|b| sized(b'I', &b)),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(|b| sized(b'b', &b)),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        let tags = prop::sample::select(b"ltSZqg".to_vec());
        let maps = prop::sample::select(b"doCD".to_vec());
        let join = |tag: u8, count: usize, parts: Vec<Vec<u8>>| {
            [&[tag][..], &(count as u32).to_le_bytes(), &parts.concat()].concat()
        };
        prop_oneof![
            (tags, prop::collection::vec(inner.clone(), 0..5)).prop_map(move |(t, p)| join(t, p.len(), p)),
            (maps, prop::collection::vec((inner.clone(), inner), 0..4)).prop_map(move |(t, p)| {
                join(t, p.len(), p.into_iter().map(|(k, v)| [k, v].concat()).collect())
            }),
        ]
    })
}

/// Anything: noise, noise of tags, values, values with a byte changed or cut.
fn anything() -> impl Strategy<Value = Vec<u8>> {
    let tags = prop::sample::select(b"iIsNTFfcbarltSZqgdoCD\0\x01\xff".to_vec());
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..64),
        prop::collection::vec(tags, 0..200),
        value(),
        (value(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(mut v, at, b)| {
            let at = at.index(v.len());
            v[at] = b;
            v
        }),
        (value(), any::<prop::sample::Index>()).prop_map(|(v, at)| v[..at.index(v.len())].to_vec()),
    ]
}

#[test]
fn no_bytes_do_more_than_be_refused() {
    let reader = RefCell::new(Reader::start());
    let seen = RefCell::new(BTreeMap::<String, u32>::new());
    let mut runner = TestRunner::new(Config { cases: 4000, failure_persistence: None, ..Config::default() });
    let done = runner.run(&anything(), |bytes| {
        let said = reader.borrow_mut().say(&bytes);
        prop_assert!(said == "refused" || said == "same", "{said}");
        *seen.borrow_mut().entry(said).or_default() += 1;
        Ok(())
    });
    done.unwrap();
    let seen = seen.into_inner();
    assert!(seen["refused"] > 500 && seen["same"] > 500, "{seen:?}");
}
