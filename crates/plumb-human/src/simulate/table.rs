//! Simulated answers as the CSV file that the study's own import reads.

use plumb_study::items::Origin;

use crate::data::{Collected, Facts, MISSED, REPETITION, STRATUM, columns};
use crate::error::{Error, Result};
use crate::study::Study;

/// How many outputs an item stands for, as `plumb align` reads it.
const WEIGHT: &str = "weight";

/// Writes rows with the columns, codes and missing values of the study's `[import]`.
///
/// # Errors
/// Two conditions share a code, so that the file could not be read back.
pub fn write_csv(study: &Study, rows: &[Collected], facts: &Facts) -> Result<Vec<u8>> {
    let import = columns(study);
    let mut csv = csv::Writer::from_writer(Vec::new());
    let number: Vec<usize> = (0..study.measure.len()).filter(|m| study.measure[*m].is_number()).collect();
    let column =
        |m: &usize| import.columns.get(&study.measure[*m].id).unwrap_or(&study.measure[*m].id).clone();
    let mut head = vec![import.participant.clone(), import.condition.clone(), import.item.clone()];
    let again = rows.iter().any(|row| row.repetition > 0);
    head.extend(again.then(|| REPETITION.to_owned()));
    head.extend(number.iter().map(column));
    let missed = facts.missed.iter().any(|n| *n > 0);
    let strata = facts.strata.iter().any(|stratum| !stratum.is_empty());
    head.extend(missed.then(|| MISSED.to_owned()));
    head.extend(strata.then(|| STRATUM.to_owned()));
    let about_outputs = study.items().any(|item| study.origin(item).is_some());
    head.extend(Origin::COLUMNS.into_iter().filter(|_| about_outputs).map(str::to_owned));
    let weighed = study.items().any(|item| study.weight(item).is_some());
    head.extend(weighed.then(|| WEIGHT.to_owned()));
    csv.write_record(&head).map_err(written)?;
    let missing = import.missing.keys().next().cloned().unwrap_or_default();
    let code = |condition: usize| {
        let id = &study.condition[condition].id;
        let own = import.conditions.iter().find(|(_, to)| *to == id);
        own.map_or_else(|| id.clone(), |(code, _)| code.clone())
    };
    for row in rows {
        let mut record = vec![
            format!("s{:06}", row.participant + 1),
            code(row.condition),
            study.item[row.item].id.clone(),
        ];
        record.extend(again.then(|| (row.repetition + 1).to_string()));
        record.extend(number.iter().map(|m| {
            let unit = study.measure[*m].unit.as_deref();
            row.values[*m].map_or_else(|| missing.clone(), |steps| study.write_steps(unit, steps))
        }));
        record.extend(missed.then(|| facts.missed_by(row.participant).to_string()));
        record.extend(strata.then(|| facts.stratum(row.participant).to_owned()));
        match study.origin(&study.item[row.item].id) {
            Some(origin) => record.extend(origin.values()),
            None if about_outputs => record.extend(Origin::COLUMNS.map(|_| String::new())),
            None => {}
        }
        let weight = || study.weight(&study.item[row.item].id).unwrap_or(1.0).to_string();
        record.extend(weighed.then(weight));
        csv.write_record(&record).map_err(written)?;
    }
    csv.into_inner().map_err(|e| Error::new(e.to_string()))
}

fn written(error: csv::Error) -> Error {
    Error::new(error.to_string())
}
