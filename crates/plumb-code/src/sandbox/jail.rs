//! The jail of this machine at one level: what is decided once and used for every process that is started in it.

use super::filter;
use super::group::Groups;
use super::launch::{Child, File, Launch, Mount, Namespaces, Waiting, text};
use super::probe::Interpreter;
use super::rules::{Rules, rules};
use super::view::View;
use super::{Level, Limits};
use crate::Error;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use seccompiler::BpfProgram;
use std::collections::BTreeSet;
use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The level and all that it is made of.
pub(super) struct Jail {
    pub level: Level,
    pub interpreter: Interpreter,
    pub limits: Limits,
    view: View,
    filters: Vec<BpfProgram>,
    /// The second filter, of samples only, as the kernel reads it.
    pub of_sample: Vec<u8>,
    root: bool,
}

/// Users that no system gives to anyone: systemd keeps this range unused
/// (<https://systemd.io/UIDS-GIDS/>, 60578 to 61183). Two for each worker.
const USERS: u32 = 60_600;
const WORKERS: u32 = 256;

/// Where samples write, at full isolation.
const SCRATCH: &str = "/tmp";

/// The environment of everything in a jail.
const ENVIRONMENT: &[&str] = &[
    "PATH=/usr/bin:/bin",
    "HOME=/tmp",
    "LC_ALL=C.UTF-8",
    "LANG=C.UTF-8",
    "TZ=UTC",
    "PYTHONHASHSEED=0",
    "PYTHONUTF8=1",
];

impl Jail {
    pub(super) fn new(level: Level, interpreter: Interpreter, limits: Limits) -> Result<Jail, Error> {
        let namespaces = level == Level::Full;
        if limits.processes > 1 && !namespaces {
            return Err(Error::sandbox(
                format!("{} processes a sample need full isolation", limits.processes),
                "set processes = 1",
            ));
        }
        let hidden = interpreter.folders.iter().find(|f| namespaces && f.starts_with(SCRATCH));
        if let Some(folder) = hidden {
            return Err(Error::sandbox(
                format!(
                    "the interpreter reads {}, which is below {SCRATCH}: there samples have their scratch folder",
                    folder.display()
                ),
                "put the virtual environment elsewhere",
            ));
        }
        let (filters, of_sample) = match level {
            Level::None => (Vec::new(), Vec::new()),
            _ => (
                filter::of_jail(namespaces)?,
                filter::bytes(&filter::of_sample(limits.processes > 1, namespaces)?),
            ),
        };
        let view = View::of(&interpreter);
        let root = rustix::process::geteuid().is_root();
        Ok(Jail { level, interpreter, limits, view, filters, of_sample, root })
    }

    fn users(&self, worker: usize) -> (u32, u32) {
        let first = USERS + 2 * (worker as u32 % WORKERS);
        (first, first + 1)
    }

    /// The user that a sample becomes, as its zygote calls it; none where it stays the same.
    pub(super) fn user_of_sample(&self, worker: usize) -> Option<u32> {
        match (self.level, self.root) {
            (Level::Full, true) => Some(1),
            (Level::Filtered, true) => Some(self.users(worker).1),
            _ => None,
        }
    }

    /// Whether tasks can be limited by user: that one must have no others.
    pub(super) fn counts_tasks(&self) -> bool {
        self.level == Level::Full || (self.level == Level::Filtered && self.root)
    }

    /// Starts Python with a program of ours; `scratch` is a folder outside, at the levels that have no own file system.
    pub(super) fn python(&self, code: &str, worker: &Place<'_>) -> Result<Child, Error> {
        let rest = ["-s", "-S", "-B", "-W", "ignore", "-c", code].map(text);
        // By its path: a bare name would make it look for its modules beside whatever of that name lies in PATH.
        let argv = std::iter::once(text(&self.interpreter.program)).chain(rest).collect::<Result<_, _>>()?;
        let fixed = vec![(libc::RLIMIT_CORE, 0)];
        let program = text(&self.interpreter.program)?;
        self.start(program, argv, environment(&[])?, fixed, worker, Vec::new(), None)
    }

    /// Starts a command. Its files are in the folder it starts in.
    pub(super) fn command(
        &self,
        program: &super::Program,
        limits: Vec<(u32, u64)>,
        worker: &Place<'_>,
        report: OwnedFd,
    ) -> Result<Child, Error> {
        let argv: Vec<CString> = program.argv.iter().map(text).collect::<Result<_, _>>()?;
        let path = argv.first().cloned();
        let path = path.ok_or_else(|| Error::sandbox("a command has no program", "name one in argv"))?;
        let waiting = Waiting { report, keep: program.keep.iter().map(text).collect::<Result<_, _>>()? };
        let env = environment(&program.env)?;
        self.start(path, argv, env, limits, worker, files(&program.files)?, Some(waiting))
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "each is one part of a process, given by one of the two callers above"
    )]
    fn start(
        &self,
        program: CString,
        argv: Vec<CString>,
        env: Vec<CString>,
        limits: Vec<(u32, u64)>,
        worker: &Place<'_>,
        files: Vec<File>,
        waiting: Option<Waiting>,
    ) -> Result<Child, Error> {
        let namespaces = match self.level {
            Level::Full => Some(self.namespaces(worker, files)?),
            _ => None,
        };
        let rules: Option<Rules> = match self.level {
            Level::None => None,
            Level::Filtered => Some(rules(Some((&self.view, worker.scratch)))?),
            // A machine without Landlock still has the view of its own.
            Level::Full => rules(None).ok(),
        };
        let user = (self.level == Level::Filtered && self.root && !worker.keeps_power)
            .then(|| self.users(worker.number).0);
        Launch {
            program,
            argv,
            env,
            stdio: worker.stdio,
            control: worker.control,
            namespaces,
            user,
            folder: text(worker.scratch)?,
            landlock: rules.as_ref().map(|r| r.fd.as_fd()),
            handled: rules.as_ref().map_or(0, |r| r.handled),
            filters: &self.filters,
            groups: worker.groups.map_or(&[], |g| &g.join),
            limits,
            waiting,
        }
        .start()
    }

    fn namespaces(&self, worker: &Place<'_>, files: Vec<File>) -> Result<Namespaces, Error> {
        let mut folders = BTreeSet::new();
        let (mut places, mut mounts) = (Vec::new(), Vec::new());
        let all =
            self.view.read.iter().map(|p| (p, false)).chain(self.view.devices.iter().map(|p| (p, true)));
        for (path, writable) in all {
            let inside = path.strip_prefix("/").unwrap_or(path);
            let parents = inside.ancestors().skip(usize::from(!path.is_dir()));
            folders.extend(parents.filter(|p| !p.as_os_str().is_empty()).map(Path::to_owned));
            if !path.is_dir() {
                places.push(text(inside)?);
            }
            mounts.push(Mount { from: text(path)?, to: text(inside)?, writable });
        }
        folders.insert(PathBuf::from("dev"));
        let links = self
            .view
            .links
            .iter()
            .map(|(link, target)| Ok((text(link.strip_prefix("/").unwrap_or(link))?, text(target)?)));
        let (first, second) = self.users(worker.number);
        let own = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        let size = self.limits.file_size;
        Ok(Namespaces {
            users: if self.root { (first, Some(second)) } else { (own.0, None) },
            groups: if self.root { (first, Some(second)) } else { (own.1, None) },
            // Sorted, so that parents come first.
            folders: folders.into_iter().map(text).collect::<Result<_, _>>()?,
            places,
            mounts,
            links: links.collect::<Result<_, Error>>()?,
            scratch: text(format!("size={},nr_inodes=4096,mode=1777", worker.scratch_size.unwrap_or(size)))?,
            files,
        })
    }

    /// In words, for people.
    pub(super) fn described(&self, groups: &Groups) -> String {
        let python = format!("Python {}", self.interpreter.version);
        let memory = if groups.limits_memory() { "control groups and limits" } else { "limits" };
        match self.level {
            Level::None => format!("none: generated code runs as this user, with limits only; {python}"),
            Level::Filtered => format!(
                "filtered: system-call filter, Landlock, {memory}, no new processes; {}; {python}",
                if self.root { "a user of its own" } else { "this user" }
            ),
            Level::Full => format!(
                "full: namespaces, system-call filter, Landlock where the kernel has it, {memory}; {}; {python}",
                if self.root { "a user of its own" } else { "this user without powers" }
            ),
        }
    }
}

/// Where a process of a worker is put.
pub(super) struct Place<'a> {
    pub number: usize,
    pub stdio: [BorrowedFd<'a>; 3],
    pub control: Option<BorrowedFd<'a>>,
    /// The scratch folder, as the process will see it.
    pub scratch: &'a Path,
    /// Bytes of the scratch file system, where it is not the limit on files.
    pub scratch_size: Option<u64>,
    pub groups: Option<&'a Groups>,
    /// A zygote that runs as root stays so where it must give samples another user.
    pub keeps_power: bool,
}

fn environment(more: &[(String, String)]) -> Result<Vec<CString>, Error> {
    let fixed = ENVIRONMENT.iter().map(|e| text(*e));
    fixed.chain(more.iter().map(|(name, value)| text(format!("{name}={value}")))).collect()
}

/// Files with the folders before them.
fn files(given: &[(PathBuf, Arc<[u8]>)]) -> Result<Vec<File>, Error> {
    let mut folders = BTreeSet::new();
    for (path, _) in given {
        let plain = path.components().all(|c| matches!(c, std::path::Component::Normal(_)));
        if !plain || path.as_os_str().is_empty() {
            return Err(Error::sandbox(
                format!("{} is no path within a folder", path.display()),
                "give paths like src/main.cpp",
            ));
        }
        folders.extend(path.ancestors().skip(1).filter(|p| !p.as_os_str().is_empty()).map(Path::to_owned));
    }
    let folders = folders.into_iter().map(|f| Ok((text(f)?, None)));
    folders.chain(given.iter().map(|(p, c)| Ok((text(p)?, Some(c.clone()))))).collect()
}
