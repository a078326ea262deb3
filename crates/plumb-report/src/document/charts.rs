//! Rows of dots and whiskers on a page.

use crate::axis::Axis;
use crate::html::{Mark, Scale, Span, Text, mark_of, scale, span, split};
use crate::number;
use plumb_study::document::{Dots, Tone};

/// A chart of values with whiskers.
pub(super) struct DotsView {
    pub(super) title: Text,
    pub(super) scale: Scale,
    pub(super) rows: Vec<DotView>,
}

/// One of its rows.
pub(super) struct DotView {
    pub(super) label: Text,
    pub(super) tone: &'static str,
    pub(super) mark: Mark,
    pub(super) estimate: String,
    pub(super) interval: String,
    pub(super) beside: Text,
}

pub(super) fn dots(chart: &Dots) -> DotsView {
    let values = || chart.rows.iter().map(|r| &r.value);
    let (axis, decimals) = (Axis::over(values(), chart.unit), number::decimals(values(), chart.unit));
    let rows = chart
        .rows
        .iter()
        .map(|row| {
            let band: Option<Span> = chart.band.map(|(low, high)| span(&axis, low, high, chart.unit));
            let mark = mark_of(&axis, &row.value, chart.unit, decimals, &row.label);
            let bands = row.bands.iter().map(|b| (span(&axis, b.low, b.high, chart.unit), tone(b.tone)));
            let (estimate, interval) = split(&row.value, chart.unit, decimals);
            DotView {
                label: Text::of(&row.label),
                tone: tone(row.tone),
                mark: Mark { band, bands: bands.collect(), ..mark },
                estimate,
                interval,
                beside: Text::of(&row.beside),
            }
        })
        .collect();
    DotsView { title: Text::of(&chart.title), scale: scale(&axis, chart.unit), rows }
}

/// The class of a tone.
pub(super) fn tone(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "",
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Warn => "warn",
        Tone::Faint => "faint",
    }
}
