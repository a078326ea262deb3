//! A program that runs what a model wrote and does not shut it in itself, shut in: for peers.

use std::path::Path;
use std::process::Command;

/// Nothing but a file system in memory at `$1` can be written, there are no devices, no network and no powers.
const SHUT_IN: &str = r#"
cut -d' ' -f2 /proc/mounts | while read -r at; do mount -o remount,bind,ro "$at" 2>/dev/null; done
mount -t tmpfs none "$1" && mkdir -p "$1/dev/shm" || exit 1
for name in null zero urandom; do touch "$1/dev/$name" && mount --bind "/dev/$name" "$1/dev/$name" || exit 1; done
mount --rbind "$1/dev" /dev && mount -t proc -o ro none /proc && export TMPDIR="$1" && cd "$1" || exit 1
shift
exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs "$@"
"#;

/// `program` in namespaces of its own, which end with it; `scratch` is an empty folder. Needs `unshare` and `setpriv`.
pub fn shut_in(program: &Path, scratch: &Path) -> Command {
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--mount", "--pid", "--net", "--ipc", "--fork", "--kill-child"])
        .args(["sh", "-c", SHUT_IN, "sh"])
        .arg(scratch)
        .arg(program);
    command
}
