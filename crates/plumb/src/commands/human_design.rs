//! `plumb human check`, `fit`, `simulate` and `power`: a study before anyone takes part.

use std::path::Path;

use super::human::write;
use super::rehearse::Crowd;
use super::study::{read, wrong};
use crate::cli::{HumanCheck, HumanFit, HumanPower, HumanSimulate, Recruiting};
use crate::exit::{Exit, Problem, note};
use crate::progress::Progress;
use plumb_human::fit::{Fit, fit};
use plumb_human::simulate::{
    Calibration, Settings, calibrate, report_calibration, report_simulation, simulate, write_csv,
};
use plumb_human::{Platform, PowerSettings, Study, outline, power, power_studies, report_power};

pub fn check(args: &HumanCheck) -> Result<Exit, Problem> {
    let platform = args.platform.map(|Recruiting::Prolific| Platform::Prolific);
    write(&outline(&read(&args.study)?.0, platform), args.out.html.as_deref(), args.out.json)
}

pub fn simulated(args: &HumanSimulate) -> Result<Exit, Problem> {
    let study = read(&args.study)?.0;
    let people = args.people.map_or_else(|| arrivals(&study), |n| n as usize);
    if let Some(studies) = args.studies {
        let how = Calibration {
            studies: studies as usize,
            arrive: people,
            truth: args.truth as usize,
            seed: args.seed,
            null: args.null,
        };
        note(format_args!("first {} people for the true values, then {studies} studies …", how.truth));
        let progress = Progress::new(u64::from(studies), 0);
        let list = calibrate(&study, how, &|_| progress.step()).map_err(wrong)?;
        progress.end();
        return write(
            &report_calibration(&study, how, &list),
            args.written.html.as_deref(),
            args.written.json,
        );
    }
    if let (Some(url), Some(token)) = (&args.http, &args.token) {
        let crowd =
            Crowd { url, token, people, at_once: args.at_once as usize, seed: args.seed, null: args.null };
        return write(&crowd.take_part(&study)?, args.written.html.as_deref(), args.written.json);
    }
    let settings = Settings { arrive: people, seed: args.seed, places: true, null: args.null };
    let simulated = simulate(&study, settings).map_err(wrong)?;
    if let Some(path) = &args.out {
        let csv = write_csv(&study, &simulated.rows, &simulated.facts).map_err(wrong)?;
        std::fs::write(path, csv).map_err(Problem::io(path))?;
    }
    let document = report_simulation(&study, &simulated, args.seed);
    write(&document, args.written.html.as_deref(), args.written.json)
}

/// As many as the study is for; where conditions have places, until all are filled, though most should leave.
fn arrivals(study: &Study) -> usize {
    let people = study.people().unwrap_or(100 * study.conditions().count());
    if study.fills_places() { 5 * people } else { people }
}

pub fn powered(args: &HumanPower) -> Result<Exit, Problem> {
    let study = read(&args.study)?.0;
    let settings = PowerSettings { simulations: args.simulations.map(|n| n as usize), seed: args.seed };
    let progress = Progress::new(power_studies(&study, settings) as u64, 0);
    let list = power(&study, settings, &|_| progress.step()).map_err(wrong)?;
    progress.end();
    write(&report_power(&study, settings, &list), args.written.html.as_deref(), args.written.json)
}

pub fn fitted(args: &HumanFit) -> Result<Exit, Problem> {
    let csv = std::fs::read(&args.data).map_err(Problem::io(&args.data))?;
    let how = Fit {
        target: args.target.clone(),
        features: args.features.clone(),
        more: args.more.clone(),
        digits: args.digits,
        step: args.step,
        prefix: args.prefix.clone(),
    };
    let found = fit(&csv, &how).map_err(|e| wrong(e.at(&args.data.display().to_string())))?;
    if let Some(folder) = &args.out {
        std::fs::create_dir_all(folder).map_err(Problem::io(folder))?;
        let file = |name: &str, contents: &[u8]| {
            let path = Path::new(folder).join(name);
            std::fs::write(&path, contents).map_err(Problem::io(&path))
        };
        file("stimuli.csv", &found.stimuli)?;
        file("models.toml", found.tables.as_bytes())?;
    }
    write(&found.document, args.written.html.as_deref(), args.written.json)
}
