//! Charts of a document: four forms that serve nearly everything this field draws.

use super::Tone;
use crate::method::{Unit, Value};

/// A chart.
#[derive(Clone, Debug, PartialEq)]
pub enum Chart {
    /// Values with whiskers, one a row.
    Dots(Dots),
    /// Points in a plane.
    Scatter(Scatter),
    /// Values over an ordered quantity, one line a series.
    Lines(Lines),
    /// Shares or counts by category, or a histogram.
    Bars(Bars),
}

/// Values with whiskers.
#[derive(Clone, Debug, PartialEq)]
pub struct Dots {
    /// What is shown.
    pub title: String,
    /// Unit of all values.
    pub unit: Unit,
    /// The rows.
    pub rows: Vec<Dot>,
    /// A stretch that means something, such as a margin: (low, high), in stored units.
    pub band: Option<(f64, f64)>,
}

/// A row of [`Dots`].
#[derive(Clone, Debug, PartialEq)]
pub struct Dot {
    /// Its name.
    pub label: String,
    /// Its value.
    pub value: Value,
    /// How it is meant.
    pub tone: Tone,
    /// Words beside it.
    pub beside: String,
    /// Stretches that mean something for this row alone, such as the rates of each grade; drawn as its ground.
    pub bands: Vec<Stretch>,
}

/// A part of an axis, in stored units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    /// Where it begins.
    pub low: f64,
    /// Where it ends.
    pub high: f64,
    /// How it is meant.
    pub tone: Tone,
}

/// Points in a plane.
#[derive(Clone, Debug, PartialEq)]
pub struct Scatter {
    /// What is shown.
    pub title: String,
    /// Name of the horizontal quantity.
    pub x: String,
    /// Name of the vertical quantity.
    pub y: String,
    /// The points.
    pub marks: Vec<Mark>,
    /// Names of series, by [`Mark::series`]; empty where there is one.
    pub series: Vec<String>,
    /// Whether the line y = x is drawn.
    pub diagonal: bool,
}

/// A point of [`Scatter`].
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Horizontal value.
    pub x: f64,
    /// Vertical value.
    pub y: f64,
    /// Which series.
    pub series: usize,
    /// Its name, where it deserves one.
    pub label: Option<String>,
    /// Less important: drawn fainter.
    pub faint: bool,
    /// How many observations it stands for; its area grows with it. 1 for a plain point.
    pub weight: f64,
}

/// Values over an ordered quantity.
#[derive(Clone, Debug, PartialEq)]
pub struct Lines {
    /// What is shown.
    pub title: String,
    /// Name of the horizontal quantity.
    pub x: String,
    /// Name of the vertical quantity.
    pub y: String,
    /// Unit of the vertical values.
    pub unit: Unit,
    /// The lines.
    pub series: Vec<Series>,
    /// Whether the line y = x is drawn (for calibration).
    pub diagonal: bool,
}

/// A line of [`Lines`].
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// Its points, in order of x.
    pub points: Vec<(f64, Value)>,
}

/// Bars.
#[derive(Clone, Debug, PartialEq)]
pub struct Bars {
    /// What is shown.
    pub title: String,
    /// Name of what the bars measure.
    pub y: String,
    /// Whether heights are shares of one, shown in percent.
    pub share: bool,
    /// The bars.
    pub bars: Vec<Bar>,
    /// Names of the parts of a bar; one where bars are whole.
    pub parts: Vec<String>,
}

/// A bar of [`Bars`].
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// Its name.
    pub label: String,
    /// Height of each part, in the order of [`Bars::parts`].
    pub heights: Vec<f64>,
}

impl Dot {
    /// A row without tone.
    pub fn new(label: impl Into<String>, value: Value) -> Dot {
        Dot { label: label.into(), value, tone: Tone::Plain, beside: String::new(), bands: Vec::new() }
    }
}

impl Mark {
    /// A plain point.
    pub fn new(x: f64, y: f64) -> Mark {
        Mark { x, y, series: 0, label: None, faint: false, weight: 1.0 }
    }
}

impl From<Dots> for Chart {
    fn from(chart: Dots) -> Chart {
        Chart::Dots(chart)
    }
}

impl From<Scatter> for Chart {
    fn from(chart: Scatter) -> Chart {
        Chart::Scatter(chart)
    }
}

impl From<Lines> for Chart {
    fn from(chart: Lines) -> Chart {
        Chart::Lines(chart)
    }
}

impl From<Bars> for Chart {
    fn from(chart: Bars) -> Chart {
        Chart::Bars(chart)
    }
}
