//! An interpreter of the user's own: a virtual environment with a package that samples import.

use crate::sandbox::{calls, check_tests, options, python};
use plumb_code::sandbox::{Isolation, Options, Sandbox};
use std::path::{Path, PathBuf};

/// An environment with one package; not below `/tmp`, which is the samples' scratch folder.
fn environment(folder: &Path) -> Option<PathBuf> {
    let made =
        std::process::Command::new(python()).args(["-m", "venv", "--without-pip"]).arg(folder).output();
    if !made.is_ok_and(|out| out.status.success()) {
        println!("skipped: {} makes no virtual environment", python().display());
        return None;
    }
    let library = std::fs::read_dir(folder.join("lib")).unwrap().next().unwrap().unwrap();
    let packages = library.path().join("site-packages");
    std::fs::create_dir_all(packages.join("plumbed-1.2.dist-info")).unwrap();
    std::fs::write(
        packages.join("plumbed-1.2.dist-info/METADATA"),
        "Metadata-Version: 2.1\nName: plumbed\nVersion: 1.2\n",
    )
    .unwrap();
    std::fs::write(packages.join("plumbed.py"), "def double(x):\n    return 2 * x\n").unwrap();
    Some(folder.join("bin/python3"))
}

#[test]
fn samples_import_what_a_virtual_environment_has_and_cannot_change_it() {
    let folder = tempfile::Builder::new().prefix("plumb-venv-").tempdir_in("/var/tmp").unwrap();
    // Samples become other users.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open).unwrap();
    let Some(interpreter) = environment(folder.path()) else { return };
    for isolation in [Isolation::Full, Isolation::Filtered] {
        let given = Options { interpreter: interpreter.clone(), ..options(isolation) };
        let sandbox = match Sandbox::open(&given) {
            Ok(sandbox) => sandbox,
            Err(error) => {
                println!("skipped: level {isolation:?} (this machine does not give it: {error})");
                continue;
            }
        };
        assert_eq!(sandbox.packages(), ["plumbed==1.2"]);
        let tests = check_tests("", "def check(candidate):\n    assert candidate(4) == 8\n", "f");
        let right = "import plumbed\ndef f(x): return plumbed.double(x)\n";
        let vandal = "import plumbed\nopen(plumbed.__file__, 'a').write('#')\ndef f(x): return 8\n";
        let mut verdicts = vec![""; 2];
        sandbox.run([right, vandal].iter().enumerate().map(|(id, s)| calls(id as u64, &tests, s)), |o| {
            verdicts[o.id as usize] = o.verdict.name();
        });
        assert_eq!(verdicts, ["passed", "forbidden"]);
        // The system's own interpreter has no such package.
        let plain = Sandbox::open(&options(isolation)).unwrap();
        plain.run([calls(0, &tests, right)], |o| assert_eq!(o.verdict.name(), "exception", "{o:?}"));
    }
}

#[test]
fn an_interpreter_below_the_scratch_folder_is_refused_with_its_reason() {
    let folder = tempfile::Builder::new().prefix("plumb-venv-").tempdir_in("/tmp").unwrap();
    let Some(interpreter) = environment(folder.path()) else { return };
    let given = Options { interpreter, ..options(Isolation::Full) };
    let error = Sandbox::open(&given).err().unwrap().to_string();
    assert!(error.contains("below /tmp"), "{error}");
}
