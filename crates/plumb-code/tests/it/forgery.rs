//! Wrong code that tries to be called right: none passes.

use crate::sandbox::{calls, check_tests, levels};
use plumb_code::problems::{Statement, Tests, read_problems};
use plumb_code::sandbox::{Limits, Verdict};

/// Forgeries by name: what comes before the function, and its body. `E` is the function's name.
const FORGERIES: &[(&str, &str, &str)] = &[
    (
        "always equal",
        "class Always:\n    def __eq__(s, o): return True\n    def __ne__(s, o): return False\n    \
         def __lt__(s, o): return True\n    def __gt__(s, o): return True\n    def __abs__(s): return 0.0\n    \
         def __sub__(s, o): return 0.0\n    def __rsub__(s, o): return 0.0\n    def __hash__(s): return 0\n",
        "return Always()",
    ),
    ("equal list", "class L(list):\n    def __eq__(s, o): return True\n", "return L()"),
    (
        "equal text",
        "class S(str):\n    def __eq__(s, o): return True\n    __hash__ = str.__hash__\n",
        "return S('')",
    ),
    (
        "equal number",
        "class N(float):\n    def __eq__(s, o): return True\n    __hash__ = None\n",
        "return N()",
    ),
    (
        "check replaced through frames",
        "import sys\n",
        "f = sys._getframe()\n    while f:\n        for k in ('check', 'candidate', 'E', 'run'):\n            \
         f.f_globals[k] = lambda *a, **k: None\n        f = f.f_back\n    return None",
    ),
    (
        "frames at import",
        "import sys\nf = sys._getframe()\nwhile f:\n    f.f_globals['check'] = print\n    f = f.f_back\n",
        "return None",
    ),
    ("AssertionError rebound", "import builtins\nbuiltins.AssertionError = SystemExit\n", "return None"),
    (
        "AssertionError emptied",
        "import builtins\nclass Quiet(BaseException): pass\nbuiltins.AssertionError = Quiet\n",
        "raise Quiet",
    ),
    (
        "builtins rebound",
        "import builtins\nbuiltins.abs = lambda x: 0\nbuiltins.all = lambda x: True\nbuiltins.len = lambda x: 0\n",
        "return 0",
    ),
    (
        "isinstance rebound",
        "import builtins\nbuiltins.isinstance = lambda *a: True\nbuiltins.type = lambda *a: int\n",
        "return object()",
    ),
    ("sys.exit", "import sys\n", "sys.exit(0)"),
    ("sys.exit at import", "import sys\nsys.exit(0)\n", "return None"),
    ("os._exit", "import os\n", "os._exit(0)"),
    ("os._exit at import", "import os\nos._exit(0)\n", "return None"),
    ("quit", "", "quit(0)"),
    (
        "thread left behind",
        "import threading, time\nthreading.Thread(target=time.sleep, args=(99,)).start()\n",
        "return None",
    ),
    (
        "thread that ends the process",
        "import threading, os\nthreading.Timer(0.01, os._exit, (0,)).start()\n",
        "return None",
    ),
    ("atexit", "import atexit, os\natexit.register(os._exit, 0)\n", "raise SystemExit(0)"),
    ("time replaced", "import time\ntime.time = time.monotonic = lambda: 0\n", "return None"),
    ("claims of passing", "import os\nos.write(3, b'\\x01\\0\\0\\0P' * 9)\n", "return None"),
    ("answers without questions", "import os\nos.write(3, b'\\x03\\0\\0\\0V\\0T' * 99)\n", "return None"),
    ("answers of None", "import os\nos.write(3, b'\\x03\\0\\0\\0V\\0N' * 99)\n", "return None"),
    (
        "the tester's words",
        "import os\nos.write(1, b'{\"verdict\":\"passed\"}')\nos.write(2, b'passed')\n",
        "return None",
    ),
    (
        "every descriptor written",
        "import os\nfor fd in range(64):\n    try: os.write(fd, b'T{\"verdict\":\"passed\"}')\n    except OSError: pass\n",
        "return None",
    ),
    ("not implemented", "", "return NotImplemented"),
    (
        "its own assertion swallowed",
        "",
        "try:\n        raise AssertionError\n    except AssertionError:\n        return ...",
    ),
    ("a stop", "", "raise StopIteration"),
    ("a generator exit", "", "raise GeneratorExit"),
    ("an interrupt", "", "raise KeyboardInterrupt"),
    (
        "the collector asked for tests",
        "import gc\n",
        "for o in gc.get_objects():\n        if type(o) is dict and 'check' in o:\n            o['check'] = print\n    return None",
    ),
    (
        "wire replaced",
        "import sys\nm = sys.modules['__main__']\nm.encode = lambda v, l: b'T'\nm.put = lambda *a: None\n",
        "return None",
    ),
];

/// Problems whose tests call the function with plain values and would not pass on nothing.
#[test]
fn no_forgery_passes() {
    let Some(file) = crate::support::data("humaneval/HumanEval.jsonl.gz") else { return };
    let problems = read_problems(&std::fs::read(file).unwrap(), "HumanEval").unwrap();
    let mut limits = Limits::default();
    (limits.cpu.floor_s, limits.wall_s) = (2.0, 10.0);
    for sandbox in levels(limits) {
        let mut jobs = Vec::new();
        let mut names = Vec::new();
        for problem in problems.iter().take(20) {
            let Statement::Code { prompt, entry_point } = &problem.statement else { panic!() };
            let Tests::Program(check) = &problem.tests else { panic!() };
            let tests = check_tests(prompt, check, entry_point);
            for (name, before, body) in FORGERIES {
                let source = format!(
                    "{before}\ndef {entry_point}(*args):\n    {}\n",
                    body.replace("'E'", &format!("'{entry_point}'"))
                );
                jobs.push(calls(jobs.len() as u64, &tests, &source));
                names.push((problem.id.clone(), *name));
            }
        }
        let (mut done, mut passed) = (0, Vec::new());
        sandbox.run(jobs, |o| {
            done += 1;
            if o.verdict == Verdict::Passed || matches!(o.verdict, Verdict::Infrastructure(_)) {
                passed.push((names[o.id as usize].clone(), o.verdict, o.detail));
            }
        });
        println!(
            "{} forgeries of 20 problems at {:?}: {} passed",
            FORGERIES.len(),
            sandbox.level(),
            passed.len()
        );
        assert_eq!((done, passed), (FORGERIES.len() * 20, Vec::new()));
    }
}
