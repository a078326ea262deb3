//! Pages that commands write, made for a browser to look at: a report, a benchmark, a sweep's frontier, and a power analysis.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Problem;
use crate::measured;
use crate::plumb::{Plumb, Which};
use crate::serving::checkout;

const LIMIT: Duration = Duration::from_secs(600);

/// A sweep of the smallest of the models that tests use, whose weights are random.
const SWEEP: &str = r#"
name = "sweep"
seed = 4

[steer]
model = "MODEL"
sampling = { max_tokens = 6 }
strengths = [1, 4]
random = 1
system = "Be careful."

[[steer.direction]]
id = "d"
layer = 1
toward = { path = "a.csv" }
away = { path = "b.csv" }

[[steer.measure]]
id = "refused"
of = "refusal.refused"
items = ["asked"]
role = "safety"

[[steer.measure]]
id = "refused of safe ones"
of = "refusal.refused"
items = ["safe"]
role = "over-refusal"

[[items]]
id = "asked"
reader = "csv"
path = "a.csv"

[[items]]
id = "safe"
id_prefix = "safe "
reader = "csv"
path = "b.csv"

[[judge]]
id = "refusal"
kind = "refusal-rule"
"#;

/// Pages by name, and the folder that they lie in while it lives.
pub struct Reports {
    pub pages: Vec<(&'static str, PathBuf)>,
    _folder: tempfile::TempDir,
}

impl Reports {
    pub fn make(which: &Which) -> Result<Reports, Problem> {
        let folder = tempfile::tempdir().map_err(|error| format!("a temporary folder: {error}"))?;
        let at = folder.path();
        let plumb = Plumb::get(which, LIMIT)?;
        let call = |arguments: &[&str]| -> Result<(), Problem> {
            let mut command = plumb.command();
            command.args(arguments).current_dir(at);
            measured::run(&mut command, LIMIT)?.succeeded(&arguments.join(" ")).map(drop)
        };
        write(at, "graded.toml", &first_grade()?)?;
        call(&["run", "graded.toml"])?;
        call(&["report", "runs/graded"])?;
        let model = checkout("fixtures/lm/arch/qwen2");
        write(at, "sweep.toml", &SWEEP.replace("MODEL", &model.display().to_string()))?;
        write(at, "a.csv", "prompt\nab\ncd\nef\n")?;
        write(at, "b.csv", "prompt\nxy\nz\n")?;
        call(&["steer", "sweep.toml"])?;
        let study = checkout("examples/studies/interpretability-4.toml").display().to_string();
        call(&["human", "power", &study, "--simulations", "10", "--html", "power.html"])?;
        let pages = vec![
            ("report", at.join("runs/graded/report.html")),
            ("benchmark", at.join("runs/graded/benchmark.html")),
            ("frontier", at.join("runs/sweep/frontier.html")),
            ("power", at.join("power.html")),
        ];
        Ok(Reports { pages, _folder: folder })
    }
}

fn write(folder: &Path, name: &str, text: &str) -> Result<(), Problem> {
    std::fs::write(folder.join(name), text).map_err(|error| format!("{name}: {error}"))
}

/// The plan with which docs/grades.md begins.
fn first_grade() -> Result<String, Problem> {
    let page = checkout("docs/grades.md");
    let text = std::fs::read_to_string(&page).map_err(|error| format!("{}: {error}", page.display()))?;
    let plan: Vec<&str> = text
        .lines()
        .skip_while(|line| *line != "# file: graded.toml")
        .take_while(|line| *line != "```")
        .collect();
    match plan.is_empty() {
        true => Err("docs/grades.md has no graded.toml".to_owned()),
        false => Ok(plan.join("\n")),
    }
}
