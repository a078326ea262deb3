//! The samples of `plumb code exec`: read once to be checked, and again as they are run, so that few are held.

use super::wrong;
use crate::cli::CodeExec as Args;
use crate::exit::Problem;
use plumb_code::exec::Given;
use plumb_code::problems::{Problem as Task, sample_lines};
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::PathBuf;

/// What is to be run.
pub struct Samples {
    /// How many.
    pub count: u64,
    from: From,
    /// Places of problems that have samples.
    used: HashSet<usize>,
}

enum From {
    /// Reference solutions, of the problems at these places.
    References(Vec<(usize, String)>),
    /// A file, and the place of each problem.
    File(PathBuf, HashMap<String, usize>),
}

impl Samples {
    /// Checks every sample before any is run.
    pub fn open(args: &Args, tasks: &[Task]) -> Result<Samples, Problem> {
        let Some(path) = &args.samples else { return Samples::references(tasks) };
        let known: HashMap<String, usize> =
            tasks.iter().enumerate().map(|(at, task)| (task.id.clone(), at)).collect();
        let (mut count, mut used) = (0, HashSet::new());
        for sample in lines(path)? {
            let sample = sample.map_err(wrong)?;
            match known.get(&sample.id) {
                Some(at) => {
                    used.insert(*at);
                    count += 1;
                }
                // `--problem` leaves the others out.
                None if !args.problem.is_empty() => {}
                None => {
                    return Err(Problem::usage(format!(
                        "{}: there is no problem {}",
                        sample.place, sample.id
                    ))
                    .help("--problems must name the file that the samples answer"));
                }
            }
        }
        if count == 0 {
            return Err(Problem::usage(format!("{}: there is no sample to run", path.display())));
        }
        Ok(Samples { count, from: From::File(path.clone(), known), used })
    }

    fn references(tasks: &[Task]) -> Result<Samples, Problem> {
        let with = |(at, task): (usize, &Task)| task.solution.clone().map(|solution| (at, solution));
        let found: Vec<(usize, String)> = tasks.iter().enumerate().filter_map(with).collect();
        if found.is_empty() {
            return Err(Problem::usage("no problem has a reference solution")
                .help("--samples names solutions to run"));
        }
        let used = found.iter().map(|(at, _)| *at).collect();
        Ok(Samples { count: found.len() as u64, from: From::References(found), used })
    }

    /// Whether the problem at that place has samples.
    pub fn has_problem(&self, at: usize) -> bool {
        self.used.contains(&at)
    }

    /// How many problems have samples.
    pub fn problems(&self) -> u64 {
        self.used.len() as u64
    }

    /// The samples but those of `done`.
    pub fn given(
        self: &Samples,
        done: HashSet<u64>,
    ) -> Result<Box<dyn Iterator<Item = Given> + '_>, Problem> {
        let given: Box<dyn Iterator<Item = Given>> = match &self.from {
            From::References(found) => Box::new(found.iter().enumerate().map(|(sample, (at, solution))| {
                Given { sample: sample as u64, problem: *at, completion: solution.clone(), whole: false }
            })),
            From::File(path, known) => {
                // Read before without an error; a file that changed meanwhile ends here.
                let samples = lines(path)?.map_while(Result::ok).enumerate();
                Box::new(samples.filter_map(|(sample, of)| {
                    let problem = *known.get(&of.id)?;
                    Some(Given { sample: sample as u64, problem, completion: of.completion, whole: of.whole })
                }))
            }
        };
        Ok(Box::new(given.filter(move |given| !done.contains(&given.sample))))
    }
}

fn lines(
    path: &PathBuf,
) -> Result<impl Iterator<Item = Result<plumb_code::problems::Sample, plumb_code::Error>> + use<>, Problem> {
    let failed = |e: std::io::Error| Problem::usage(format!("{}: {e}", path.display()));
    let file = File::open(path).map_err(failed)?;
    sample_lines(file, &path.display().to_string()).map_err(failed)
}
