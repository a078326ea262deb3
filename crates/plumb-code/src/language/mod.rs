//! Languages other than Python, as data: how a program is built and run, and what its tests look like when they fail.
//!
//! Why: a new language should be a table in a file, not code. Those that come along are in `languages.toml`; a user's own
//! file adds to them or replaces one of the same name.
//!
//! Where to start: [`Languages::built_in`], [`Language::commands`]. Not here: isolation, problems, Python (which needs no
//! command: [`crate::sandbox::Work::Calls`]).

mod judge;

use crate::Error;
use crate::sandbox::{Build, Commands, CpuLimit, Limits, Need, Program};
pub(crate) use judge::{explained, judged};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// How programs of one language are run. Words of commands and values of `env` may hold `{heap_mib}`, three quarters of the
/// limit on memory, and `{folder of PROGRAM}`, where the file of that program really lies; `after_tests` may hold `{proof}`, a
/// text that shows that the tests came to their end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Language {
    /// Its name in problem files.
    pub name: String,
    /// Other names of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// A command that says which version there is.
    pub version: Vec<String>,
    /// Programs that must be there, beside the first words of the commands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// The name under which the program's text is written.
    pub file: String,
    /// A command that makes, once a run, what every `build` needs: headers read before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prepare: Vec<String>,
    /// The files that `prepare` makes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prepare_keeps: Vec<String>,
    /// A command that makes something of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub build: Vec<String>,
    /// The files that `build` makes and `run` needs; without `build` the text itself is there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub build_keeps: Vec<String>,
    /// Seconds of processor time for `build`.
    #[serde(default = "build_cpu_s")]
    pub build_cpu_s: f64,
    /// The command that runs the program with its tests.
    pub run: Vec<String>,
    /// The command that runs a program that reads and writes, where that is another one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub run_program: Vec<String>,
    /// Environment of all commands, beside the sandbox's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Whether memory is limited by address space. Runtimes that reserve much more than they use (Node, Java) cannot live
    /// with that and have a control group, or are watched.
    #[serde(default)]
    pub address_space: bool,
    /// Text between the sample and the tests.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub before_tests: String,
    /// Text behind the tests; writes `{proof}` once they have all held.
    pub after_tests: String,
    /// How tests name modules that are not part of the language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modules: Option<Modules>,
    /// Texts in standard error of a test that did not hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wrong: Vec<String>,
    /// Texts in standard error of a program that cannot be read; a failed `build` says that by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub syntax: Vec<String>,
    /// Texts in standard error of a program that ran out of memory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub memory: Vec<String>,
    #[serde(skip)]
    prepared: Prepared,
}

/// What `prepare` made, and modules that are there or not; no part of what a language is.
#[derive(Clone, Debug, Default)]
struct Prepared {
    build: OnceLock<Arc<Build>>,
    needs: Arc<Mutex<BTreeMap<String, Arc<Need>>>>,
}

impl PartialEq for Prepared {
    fn eq(&self, _: &Prepared) -> bool {
        true
    }
}

/// How tests name a module, and a program that shows whether it is there: `{module}` stands for its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Modules {
    /// What stands before a module's name.
    pub before: String,
    /// What stands behind it.
    pub after: String,
    /// A program that ends well where the module is there.
    pub program: String,
}

fn build_cpu_s() -> f64 {
    30.0
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    language: Vec<Language>,
}

const BUILT_IN: &str = include_str!("languages.toml");

/// Languages by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Languages(Vec<Arc<Language>>);

impl Languages {
    /// JavaScript, C++ and Java.
    pub fn built_in() -> Languages {
        // A test reads it; without it there is no language but Python.
        let file: Result<File, _> = toml::from_str(BUILT_IN);
        Languages(file.map_or_else(|_| Vec::new(), |f| f.language.into_iter().map(Arc::new).collect()))
    }

    /// These and those of a file, which go before others of the same name. `place` is the file's name, for messages.
    ///
    /// # Errors
    /// A text that is no such table; a language without a command to run.
    pub fn with(mut self, text: &str, place: &str) -> Result<Languages, Error> {
        let file: File =
            plumb_study::written::read(text).map_err(|fault| Error::file(place, fault.to_string()))?;
        for language in file.language.into_iter().rev() {
            if language.run.is_empty() || language.version.is_empty() || language.file.is_empty() {
                let what = format!("the language \"{}\" needs `run`, `version` and `file`", language.name);
                return Err(Error::file(place, what));
            }
            self.0.insert(0, Arc::new(language));
        }
        Ok(self)
    }

    /// The language of that name.
    pub fn named(&self, name: &str) -> Option<&Arc<Language>> {
        self.0.iter().find(|l| l.name == name || l.also.iter().any(|also| also == name))
    }

    /// Whether there is none but Python.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those that are called so.
    pub(crate) fn of<'a>(&self, names: impl Iterator<Item = &'a str>) -> Languages {
        let mut found: Vec<Arc<Language>> = names.filter_map(|name| self.named(name).cloned()).collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found.dedup();
        Languages(found)
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|l| l.name.as_str())
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Language>> {
        self.0.iter()
    }
}

/// Bytes of one file that a compiler may make, at least.
const BUILT: u64 = 256 << 20;

/// Where a jail looks for programs, and so where they must be.
const FOLDERS: [&str; 3] = ["/usr/local/bin", "/usr/bin", "/bin"];

/// The absolute path of a program; one with a slash is in the program's own folder.
fn found(program: &str) -> Result<String, String> {
    if program.contains('/') {
        return Ok(program.to_owned());
    }
    let places = FOLDERS.iter().map(|folder| Path::new(folder).join(program));
    let place = places.into_iter().find(|place| place.exists());
    place.map(|p| p.display().to_string()).ok_or_else(|| {
        format!("{program} is not installed here (it is looked for in {})", FOLDERS.join(", "))
    })
}

/// A text with what its brackets stand for.
fn filled(text: &str, limits: &Limits) -> Result<String, String> {
    const FOLDER: &str = "{folder of ";
    let mut text = text.replace("{heap_mib}", &((limits.memory * 3 / 4) >> 20).to_string());
    while let Some((before, rest)) = text.split_once(FOLDER) {
        let (program, after) = rest.split_once('}').ok_or_else(|| format!("`{FOLDER}` has no `}}`"))?;
        let place = found(program)?;
        let real = Path::new(&place).canonicalize().map_err(|e| format!("{place}: {e}"))?;
        let folder = real.parent().unwrap_or(Path::new("/")).display();
        text = format!("{before}{folder}{after}");
    }
    Ok(text)
}

impl Language {
    /// Whether this machine has all programs that it needs.
    ///
    /// # Errors
    /// The first one that is missing, in words.
    pub fn installed(&self) -> Result<(), String> {
        let heads = [&self.prepare, &self.build, &self.run, &self.run_program]
            .into_iter()
            .filter_map(|argv| argv.first());
        heads.chain(&self.needs).try_for_each(|program| found(program).map(|_| ()))
    }

    /// The program of a sample and its tests, and the text that it writes once all of them have held. The text depends on the
    /// program: a sample cannot hold it, though one that reads its own file could work it out.
    pub(crate) fn with_tests(&self, sample: &str, tests: &str) -> (String, String) {
        let all = format!("{sample}\n{}{tests}", self.before_tests);
        let proof: String = plumb_study::Digest::of(all.as_bytes()).hex().chars().take(32).collect();
        (format!("{all}{}", self.after_tests.replace("{proof}", &proof)), proof)
    }

    /// The modules that tests name and that must be there before a sample can fail for the lack of one.
    pub(crate) fn needs_of(&self, tests: &str, limits: &Limits) -> Vec<Arc<Need>> {
        let Some(modules) = &self.modules else { return Vec::new() };
        let mut names: Vec<&str> = tests
            .split(&modules.before)
            .skip(1)
            .filter_map(|rest| rest.split_once(&modules.after).map(|(name, _)| name))
            .collect();
        names.sort_unstable();
        names.dedup();
        // Shared by all problems of a set, which name the same few modules.
        let mut known = self.prepared.needs.lock().unwrap_or_else(PoisonError::into_inner);
        let need = |name: &&str| {
            if let Some(need) = known.get(*name) {
                return Some(need.clone());
            }
            let program = modules.program.replace("{module}", name);
            let missing = format!("the tests need {name}, which {} does not find here", self.name);
            let commands = self.commands(&program, Vec::new(), true, limits).ok()?;
            let need = Arc::new(Need::new(commands, missing));
            known.insert((*name).to_owned(), need.clone());
            Some(need)
        };
        names.iter().filter_map(need).collect()
    }

    /// What is run for a program. `program`: it reads and writes, without tests.
    ///
    /// # Errors
    /// Why it cannot be run on this machine, in words.
    pub(crate) fn commands(
        &self,
        text: &str,
        needs: Vec<Arc<Need>>,
        program: bool,
        limits: &Limits,
    ) -> Result<Commands, String> {
        self.installed()?;
        let source = (PathBuf::from(&self.file), Arc::from(text.as_bytes()));
        let build = if self.build.is_empty() { None } else { Some(self.build_of(&source, limits)?) };
        let argv = if program && !self.run_program.is_empty() { &self.run_program } else { &self.run };
        let files = if build.is_some() { Vec::new() } else { vec![source] };
        let mut run = self.command(argv, files, Vec::new(), limits.clone())?;
        run.address_space = self.address_space;
        run.out_of_memory = self.memory.clone();
        Ok(Commands { needs, build, run })
    }

    fn build_of(&self, source: &(PathBuf, Arc<[u8]>), limits: &Limits) -> Result<Arc<Build>, String> {
        let own = Limits {
            cpu: CpuLimit { floor_s: self.build_cpu_s, factor: 0.0 },
            // A build that takes long because the machine is busy says nothing about the sample.
            wall_s: self.build_cpu_s * 20.0,
            memory: limits.memory.max(1 << 30),
            file_size: limits.file_size.max(BUILT),
            ..limits.clone()
        };
        let paths = |names: &[String]| names.iter().map(PathBuf::from).collect();
        let build = self.command(&self.build, vec![source.clone()], paths(&self.build_keeps), own.clone())?;
        if self.prepare.is_empty() {
            return Ok(Arc::new(Build::new(build)));
        }
        let prepare = self.command(&self.prepare, Vec::new(), paths(&self.prepare_keeps), own)?;
        let first = self.prepared.build.get_or_init(|| Arc::new(Build::new(prepare)));
        Ok(Arc::new(Build::after(build, first.clone())))
    }

    fn command(
        &self,
        argv: &[String],
        files: Vec<(PathBuf, Arc<[u8]>)>,
        keep: Vec<PathBuf>,
        limits: Limits,
    ) -> Result<Program, String> {
        let filled = |text: &String| filled(text, &limits);
        let mut argv: Vec<String> = argv.iter().map(filled).collect::<Result<_, _>>()?;
        if let Some(first) = argv.first_mut() {
            *first = found(first)?;
        }
        let env = self.env.iter().map(|(name, value)| Ok((name.clone(), filled(value)?)));
        let env = env.collect::<Result<_, String>>()?;
        Ok(Program {
            argv,
            files,
            env,
            stdin: Vec::new(),
            keep,
            address_space: false,
            out_of_memory: Vec::new(),
            limits: Some(limits),
        })
    }

    /// The command that says which version there is; its first line is the version.
    pub fn version_command(&self, limits: &Limits) -> Result<Program, String> {
        self.command(&self.version, Vec::new(), Vec::new(), limits.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_languages_that_come_along_can_be_read() {
        let names: Vec<String> = Languages::built_in().names().map(str::to_owned).collect();
        assert_eq!(names, ["javascript", "cpp", "java"]);
        assert!(Languages::built_in().named("js").is_some_and(|l| l.name == "javascript"));
    }

    #[test]
    fn a_file_goes_before_what_comes_along() {
        let text = "[[language]]\nname = \"cpp\"\nversion = [\"x\"]\nfile = \"f\"\nrun = [\"x\"]\nafter_tests = \"\"\n";
        let all = Languages::built_in().with(text, "own.toml").unwrap();
        assert_eq!(all.named("cpp").unwrap().file, "f");
        let wrong = Languages::built_in().with("[[language]]\nname = \"x\"\nrum = []", "own.toml");
        assert!(wrong.unwrap_err().to_string().starts_with("own.toml: "));
    }

    #[test]
    fn the_proof_is_not_in_what_comes_before_it() {
        let js = Languages::built_in().named("js").unwrap().clone();
        let (program, proof) = js.with_tests("function f() {}", "f()");
        assert_eq!(program.matches(&proof).count(), 1);
        assert_ne!(proof, js.with_tests("function f() { }", "f()").1);
    }
}
