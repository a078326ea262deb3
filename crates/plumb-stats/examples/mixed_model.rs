//! Fits a mixed model to a CSV file: `mixed_model FILE FORMULA FACTOR,…`. Columns that are not named as factors hold numbers.
//! Prints the seconds of the fit, the REML criterion, and what was estimated. `cargo xtask bench stats` runs it.
#![allow(clippy::print_stdout, reason = "a program")]

use plumb_stats::model::{Formula, Likelihood, LinearFit, MixedModel, Table};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, formula, factors] = &arguments[..] else {
        return Err("mixed_model FILE FORMULA FACTOR,…".into());
    };
    let table = read(&std::fs::read_to_string(file)?, &factors.split(',').collect::<Vec<_>>())?;
    let formula = Formula::parse(formula)?;
    let start = std::time::Instant::now();
    let model = MixedModel::fit(&table, &formula, Likelihood::Restricted)?;
    println!("{} {}", start.elapsed().as_secs_f64(), model.criterion());
    for group in model.groups() {
        println!("{} {:?} {:?}", group.group, group.names, group.covariance);
    }
    println!("residual {}", model.sigma() * model.sigma());
    for (name, test) in model.coefficients() {
        println!("{name} {test:?}");
    }
    Ok(())
}

/// Plain CSV without quotes.
fn read(text: &str, factors: &[&str]) -> Result<Table, Box<dyn Error>> {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().ok_or("no header")?.split(',').collect();
    let rows: Vec<Vec<&str>> = lines.map(|l| l.split(',').collect()).collect();
    let mut table = Table::new(rows.len());
    for (at, name) in names.iter().enumerate() {
        let column: Vec<&str> = rows.iter().map(|r| r.get(at).copied().unwrap_or("")).collect();
        table = if factors.contains(name) {
            table.factor(name, &[], &column)?
        } else {
            table.numeric(name, column.iter().map(|v| v.parse()).collect::<Result<_, _>>()?)?
        };
    }
    Ok(table)
}
