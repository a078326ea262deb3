//! The words that a benchmark puts to a system: every item in full, or, where items are made of templates, one of each template.

use plumb_study::items::{Item, Prompt, Task};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The tag that says of which template an item was made (`generate`).
const TEMPLATE: &str = "template";

/// The wording of a source's items; those that are not shareable are left out and counted.
pub(super) fn of(items: &[&Item]) -> Value {
    let shareable: Vec<&Item> = items.iter().filter(|i| i.shareable).copied().collect();
    let hidden = items.len() - shareable.len();
    if shareable.is_empty() {
        return json!("not shareable");
    }
    let mut by_template: BTreeMap<&str, Vec<&Item>> = BTreeMap::new();
    for item in &shareable {
        if let Some(template) = item.tags.get(TEMPLATE) {
            by_template.entry(template).or_default().push(item);
        }
    }
    let made: usize = by_template.values().map(Vec::len).sum();
    let mut stated = if made == shareable.len() {
        let one = |(template, items): (&str, Vec<&Item>)| {
            let first = items.first().map_or(Value::Null, |item| words(&item.task));
            (template.to_owned(), json!({ "items": items.len(), "such_as": first }))
        };
        json!({ "by_template": by_template.into_iter().map(one).collect::<BTreeMap<_, _>>() })
    } else {
        let full = shareable.iter().map(|item| (item.id.as_str().to_owned(), words(&item.task)));
        json!({ "in_full": full.collect::<BTreeMap<_, _>>() })
    };
    if hidden > 0 {
        stated["not_shareable"] = json!(hidden);
    }
    stated
}

fn words(task: &Task) -> Value {
    match task {
        Task::Ask(prompt) | Task::Recorded(prompt) => match prompt {
            Prompt::Chat(turns) => match turns.as_slice() {
                [only] if only.role.name() == "user" => json!(&*only.text),
                turns => turns.iter().map(|t| json!({ "role": t.role.name(), "text": &*t.text })).collect(),
            },
            Prompt::Completion(text) => json!({ "completion": &**text }),
            Prompt::Choose { context, options } => {
                json!({ "context": &**context, "options": options.iter().map(|o| &**o).collect::<Vec<_>>() })
            }
        },
        Task::Ladder(turns) => json!({ "turns": turns.iter().map(|t| &**t).collect::<Vec<_>>() }),
        Task::Goal(text) => json!({ "goal": &**text }),
        Task::Shown(text) => json!({ "shown": &**text }),
    }
}
