//! Writes pages of made-up results into a folder, to look at: `cargo run -p plumb-report --example gallery -- DIR`.

#[expect(unused_imports, reason = "the tests use all of it")]
#[path = "../tests/it/world/mod.rs"]
mod world;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::path::PathBuf::from(std::env::args().nth(1).ok_or("name a folder")?);
    let pages = [
        ("small", world::small()),
        ("bare", world::bare()),
        ("large", world::large()),
        ("hostile", world::hostile()),
    ];
    for (name, results) in pages {
        std::fs::write(folder.join(format!("{name}.html")), plumb_report::html(&results)?)?;
        std::fs::write(folder.join(format!("{name}.json")), plumb_report::json(&results)?)?;
        for (width, colour) in [(120, true), (70, false)] {
            let style = plumb_report::Style { width, colour };
            std::fs::write(
                folder.join(format!("{name}.{width}.txt")),
                plumb_report::terminal(&results, style),
            )?;
        }
    }
    Ok(())
}
