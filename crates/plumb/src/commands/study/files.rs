//! A study's file, with the texts and stimuli that it names, which lie beside it.

use std::path::Path;

use plumb_human::Study;

use super::wrong;
use crate::exit::Problem;

/// A study and the text that it was read from.
pub fn read(path: &Path) -> Result<(Study, String), Problem> {
    let text = std::fs::read_to_string(path).map_err(Problem::io(path))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let beside = |name: &str| std::fs::read_to_string(folder.join(name)).map_err(|error| error.to_string());
    let study = Study::parse_with(&text, &path.display().to_string(), &beside).map_err(wrong)?;
    Ok((study, text))
}

/// Whether a TOML file is a study with people and no plan of the runner: it has conditions and measures.
pub fn is_study(path: &Path) -> bool {
    let Some(table) = std::fs::read_to_string(path).ok().and_then(|text| text.parse::<toml::Table>().ok())
    else {
        return false;
    };
    table.contains_key("condition") && table.contains_key("measure")
}
