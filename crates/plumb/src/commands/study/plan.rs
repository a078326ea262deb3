//! `plumb plan STUDY`: what is fixed before people come, its hash, and forms of registries filled from it.

use plumb_human::Registration;
use plumb_study::{format, lock};

use super::amended::{amend, is_amended};
use super::clock::utc;
use super::files::frozen;
use super::read;
use crate::cli::{Form, Plan as Args};
use crate::compose::now_us;
use crate::exit::{Exit, Problem, say};
use crate::runs::RunFolder;

pub fn plan(args: &Args) -> Result<Exit, Problem> {
    let (study, text) = read(&args.plan)?;
    let at = RunFolder::of_plan(&args.runs, &study.name);
    let plan = frozen(&args.plan, (&study, &text), &at)?;
    let canonical = format::canonical(&plan).header.text;
    if let Some(form) = args.form {
        let form = match form {
            Form::Aspredicted => Registration::AsPredicted,
            Form::Osf => Registration::Osf,
        };
        say(form.fill(&study, &plan.digest.hex()).trim_end());
        return Ok(Exit::Done);
    }
    if args.json {
        say(&canonical);
    } else {
        say(&study.title);
        if let Some(about) = &study.about {
            say(about);
        }
        say(format_args!("hash        {}", plan.digest.hex()));
        say(format_args!("sha256      {}", lock::sha256(&canonical)));
        for line in plumb_human::fixed(&study) {
            say(line);
        }
    }
    if args.amend {
        return amend(args, &plan);
    }
    if is_amended(&at, &plan)? {
        say("in force by an amendment; the lock is of the study as it was first frozen");
    } else if args.freeze {
        let path = lock::write(&args.plan, &plan, &utc(now_us()))?;
        say(format_args!(
            "locked: {}\nPublish the hash where others can see when it was; a local file's time alone proves nothing.",
            path.display()
        ));
    } else if lock::check(&args.plan, &plan)? {
        say(format_args!("locked by {}", lock::path(&args.plan).display()));
    }
    Ok(Exit::Done)
}
