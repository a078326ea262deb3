//! The commonest hosts refuse namespaces: containers with Docker's default filter, and systems that keep them from users.

use crate::sandbox::{calls, check_tests, options};
use plumb_code::sandbox::{Isolation, Level, Sandbox, Verdict};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use std::collections::BTreeMap;

/// Refuses what Docker's default profile refuses a container without added powers, as far as it concerns namespaces and
/// mounts: `unshare`, `setns`, the mount calls and `clone` with a flag for a namespace (CLONE_NEW*, 0x7e020000) fail with EPERM,
/// `clone3` with ENOSYS.
fn like_docker() {
    let apply = |rules: BTreeMap<i64, Vec<SeccompRule>>, error: i32| {
        let architecture = std::env::consts::ARCH.try_into().unwrap();
        let then = SeccompAction::Errno(error as u32);
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, then, architecture).unwrap();
        seccompiler::apply_filter(&BpfProgram::try_from(filter).unwrap()).unwrap();
    };
    let calls = [
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_open_tree,
        libc::SYS_move_mount,
        libc::SYS_fsopen,
        libc::SYS_fsmount,
        libc::SYS_mount_setattr,
    ];
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = calls.map(|call| (call, Vec::new())).into();
    // One rule a flag: any of them is refused.
    let flags = [0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000];
    let with = |flag: u64| {
        let held = SeccompCmpOp::MaskedEq(flag);
        SeccompRule::new(vec![SeccompCondition::new(0, SeccompCmpArgLen::Dword, held, flag).unwrap()])
            .unwrap()
    };
    rules.insert(libc::SYS_clone, flags.map(with).to_vec());
    apply(rules, libc::EPERM);
    apply([(libc::SYS_clone3, Vec::new())].into(), libc::ENOSYS);
}

#[test]
fn where_namespaces_are_refused_the_filter_is_what_is_left() {
    // A filter holds for the thread that installs it and all that it starts, so that other tests are as before.
    let told = std::thread::spawn(|| {
        like_docker();
        let full = Sandbox::open(&options(Isolation::Full)).unwrap_err().to_string();
        let sandbox = Sandbox::open(&options(Isolation::Strongest)).unwrap();
        let tests = check_tests("", "def check(candidate):\n    assert candidate(1) == 2\n", "f");
        let sources = [
            "def f(x): return x + 1",
            "import os\ndef f(x): return os.fork()",
            "def f(x): return open('/etc/passwd').read()",
        ];
        let mut verdicts = Vec::new();
        let jobs = sources.iter().enumerate().map(|(id, source)| calls(id as u64, &tests, source));
        sandbox.run(jobs, |o| verdicts.push((o.id, o.verdict, o.level)));
        verdicts.sort_by_key(|v| v.0);
        (full, verdicts)
    });
    let (full, verdicts) = told.join().unwrap();
    assert!(full.contains("namespaces: Operation not permitted"), "{full}");
    let expected = [Verdict::Passed, Verdict::Forbidden, Verdict::Forbidden];
    let expected: Vec<_> = expected.into_iter().zip(0..).map(|(v, id)| (id, v, Level::Filtered)).collect();
    assert_eq!(verdicts, expected);
}
