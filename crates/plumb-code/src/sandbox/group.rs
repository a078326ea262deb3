//! Control groups, version 1 or 2, where one can be made below our own: memory and tasks of a worker's samples together.

use super::Limits;
use rustix::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Groups of one worker; removed when dropped, after the processes in them have ended.
#[derive(Debug, Default)]
pub(super) struct Groups {
    folders: Vec<PathBuf>,
    /// Files to write "0" to in order to join.
    pub join: Vec<OwnedFd>,
    memory: Option<PathBuf>,
}

/// What a zygote needs beside its samples.
const BESIDE: u64 = 64 << 20;
static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Groups {
    /// Makes what can be made; with neither controller there is nothing in it.
    pub(super) fn make(limits: &Limits) -> Groups {
        let mut groups = Groups::default();
        let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("plumb-{}-{number}", std::process::id());
        let (memory, tasks) = ((limits.memory + BESIDE).to_string(), (limits.tasks + 2).to_string());
        for line in own.lines() {
            let mut parts = line.splitn(3, ':').skip(1);
            let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
            let path = path.trim_start_matches('/');
            for controller in controllers.split(',') {
                let base = match controller {
                    "" => ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].map(|b| Path::new(b).join(path)),
                    name => {
                        let base = Path::new("/sys/fs/cgroup").join(name);
                        [base.join(path), base]
                    }
                };
                if number == 0 {
                    base.iter().for_each(|base| sweep(base));
                }
                match controller {
                    "" => groups.add(&base, &name, &[("memory.max", &memory), ("pids.max", &tasks)]),
                    "memory" => groups.add(&base, &name, &[("memory.limit_in_bytes", &memory)]),
                    "pids" => groups.add(&base, &name, &[("pids.max", &tasks)]),
                    _ => {}
                }
            }
        }
        groups
    }

    fn add(&mut self, bases: &[PathBuf], name: &str, settings: &[(&str, &str)]) {
        let Some(folder) = bases.iter().map(|b| b.join(name)).find(|f| std::fs::create_dir(f).is_ok()) else {
            return;
        };
        let join = std::fs::OpenOptions::new().write(true).open(folder.join("cgroup.procs"));
        let set = settings.iter().all(|(file, value)| std::fs::write(folder.join(file), value).is_ok());
        match join {
            Ok(join) if set => {
                self.join.push(join.into());
                if settings[0].0.starts_with("memory") {
                    self.memory = Some(folder.clone());
                    // Without this a group's limit could be passed by swapping.
                    let _ = std::fs::write(folder.join("memory.swap.max"), "0");
                }
                self.folders.push(folder);
            }
            _ => drop(std::fs::remove_dir(&folder)),
        }
    }

    /// Whether memory is limited by a group.
    pub(super) fn limits_memory(&self) -> bool {
        self.memory.is_some()
    }

    /// How many processes of the group the kernel has killed for want of memory.
    pub(super) fn killed(&self) -> u64 {
        let Some(folder) = &self.memory else { return 0 };
        let text = ["memory.events", "memory.oom_control"]
            .iter()
            .find_map(|file| std::fs::read_to_string(folder.join(file)).ok())
            .unwrap_or_default();
        let line = text.lines().find_map(|l| l.strip_prefix("oom_kill "));
        line.and_then(|n| n.trim().parse().ok()).unwrap_or(0)
    }
}

/// Removes the empty groups of programs that were killed before they could do so themselves.
fn sweep(base: &Path) {
    for entry in std::fs::read_dir(base).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let of = name.to_str().and_then(|n| n.strip_prefix("plumb-")).and_then(|n| n.split('-').next());
        let Some(pid) = of.and_then(|pid| pid.parse::<u32>().ok()) else { continue };
        if !Path::new("/proc").join(pid.to_string()).exists() {
            // A group with a process in it cannot be removed, whoever's it is.
            let _ = std::fs::remove_dir(entry.path());
        }
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        self.join.clear();
        for folder in &self.folders {
            // The kernel takes a moment to let go of processes that have ended.
            for _ in 0..100 {
                match std::fs::remove_dir(folder) {
                    Err(e) if e.raw_os_error() == Some(libc::EBUSY) => {
                        std::thread::sleep(std::time::Duration::from_millis(5));
                    }
                    _ => break,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::sweep;

    #[test]
    fn groups_of_killed_programs_are_removed_and_no_others() {
        let base = tempfile::tempdir().unwrap();
        // No process has the first number: it is above what Linux gives.
        let (dead, own) = ("plumb-4100000000-3".to_owned(), format!("plumb-{}-0", std::process::id()));
        for name in [&dead, &own, &"plumb-mine".to_owned(), &"other-4100000000".to_owned()] {
            std::fs::create_dir(base.path().join(name)).unwrap();
        }
        sweep(base.path());
        assert!(!base.path().join(&dead).exists());
        assert_eq!(std::fs::read_dir(base.path()).unwrap().count(), 3);
        assert!(base.path().join(&own).exists());
    }
}
