//! `plumb human person RUN WHO` and `plumb human erase RUN …`: what is kept of one person, for that person, and its deletion.

use std::path::Path;

use plumb_human::collect::{Answer, Collection, Request, Taker, Takings, thaw};
use plumb_human::protocol::person::Slot;
use plumb_study::people::PersonIx;
use serde_json::{Value, json};

use super::clock::utc;
use super::desk::{Desk, act};
use super::wrong;
use crate::cli::{HumanErase, HumanPerson};
use crate::compose::now_us;
use crate::exit::{Exit, Problem, note, say};
use crate::runs::RunFolder;

const DAY_US: i64 = 86_400_000_000;

/// Everything that is kept of one person, as JSON.
pub fn person(args: &HumanPerson) -> Result<Exit, Problem> {
    let at = RunFolder::named(&args.run);
    let desk = Desk::open(&at)?;
    let who = find(&desk, &args.who)?;
    let journal = at.open()?;
    let study = thaw(&journal.root_plan()?).map_err(wrong)?;
    let identity = journal.persons()?.into_iter().nth(who.0 as usize).and_then(|record| record.identity);
    let mut found = None;
    Takings::new(&study, &journal).each(|taker: Taker| -> Result<(), Problem> {
        if taker.person == who.0 + 1 {
            found = Some(taker);
        }
        Ok(())
    })?;
    let taker = found.unwrap_or_default();
    let link = desk.people.nonce(who).map(|nonce| format!("/p/{}", desk.keys.link(nonce)));
    let identity: Option<Value> = identity.and_then(|text| serde_json::from_str(&text).ok());
    let all = json!({
        "study": study.title,
        "person": taker.person,
        "link": link,
        "came_by": identity,
        "condition": taker.arm,
        "arrived_at": taker.arrived_us.map(utc),
        "enrolled_at": taker.enrolled_us.map(utc),
        "ended_at": taker.ended_us.map(utc),
        "end": taker.end.map(|end| end.name()),
        "platform": taker.platform,
        "erased": taker.erased,
        "answers": taker.answers.iter().map(answer).collect::<Vec<_>>(),
    });
    say(serde_json::to_string_pretty(&all).unwrap_or_default());
    Ok(Exit::Done)
}

fn answer(answer: &Answer) -> Value {
    let place = match &answer.slot {
        Slot::Page { page } => json!({ "page": page }),
        Slot::Trial { block, item, step, .. } => json!({ "block": block, "item": item, "step": step }),
    };
    json!({
        "at": place,
        "field": answer.field,
        "value": answer.text,
        "answered_at": utc(answer.at_us),
        "page_use": answer.paged.as_ref().map(|paged| &paged.counted),
    })
}

/// By the number that exports have (`#12`), or by the identifier that the person came with.
pub fn find(desk: &Desk, who: &str) -> Result<PersonIx, Problem> {
    let found = match who.strip_prefix('#') {
        Some(number) => number.parse().ok().and_then(|number| desk.people.numbered(number)),
        None => desk.people.by_id(who),
    };
    found.ok_or_else(|| {
        Problem::usage(format!("nobody is known as {who}"))
            .help("give the identifier that the person came with, or the number in exports, as #12")
    })
}

/// Deletes people who are named, or of all whose time is over who they are.
pub fn erase(args: &HumanErase) -> Result<Exit, Problem> {
    let at = RunFolder::named(&args.run);
    let desk = Desk::open(&at)?;
    let requests = if args.due {
        let due = due(&desk.people).ok_or_else(|| {
            Problem::usage("the study says nothing of how long it is kept who people are")
                .help("[session] retention_days says it")
        })?;
        due.into_iter().map(|who| Request::Forget { person: who.0 + 1 }).collect()
    } else if args.who.is_empty() {
        return Err(Problem::usage("name who is to be erased, or give --due"));
    } else {
        let list: Result<Vec<PersonIx>, Problem> = args.who.iter().map(|who| find(&desk, who)).collect();
        list?.into_iter().map(|who| Request::Erase { person: who.0 + 1 }).collect::<Vec<_>>()
    };
    act(&at, &requests)?;
    if args.due {
        say(format_args!("not known any more who they are: {}; their answers stay", requests.len()));
    } else {
        say(format_args!("erased: {}, with all that was answered", requests.len()));
    }
    Ok(Exit::Done)
}

/// Whose time is over; nothing where the study sets none.
fn due(people: &Collection) -> Option<Vec<PersonIx>> {
    let days = i64::from(people.study().retention_days()?);
    Some(people.to_forget(now_us() - days * DAY_US))
}

/// Says at a server's start whose time is over.
pub fn tell_due(people: &Collection, run: &Path) {
    let (Some(days), Some(due)) = (people.study().retention_days(), due(people)) else { return };
    if !due.is_empty() {
        note(format_args!(
            "of {} people it is still kept who they are, after more than {days} days: plumb human erase {} --due",
            due.len(),
            run.display()
        ));
    }
}
