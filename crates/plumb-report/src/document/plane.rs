//! Charts in a plane: from data to the coordinates of a drawing.
//!
//! A drawing is 520 wide with room for labels at the left and below. Coordinates are rounded to a tenth, so that equal
//! charts give equal bytes.

use crate::axis::Axis;
use crate::html::Text;
use crate::number;
use plumb_study::document::{Bars, Lines, Scatter};
use plumb_study::method::{Unit, Value};

/// Left and right ends of the plotting area.
const LEFT: f64 = 56.0;
const RIGHT: f64 = 506.0;
/// Upper and lower ends of it.
const TOP: f64 = 12.0;
const BOTTOM: f64 = 262.0;
/// Colours that series have in turn, as classes of the style.
const SERIES: usize = 6;

/// A chart, ready to draw.
pub(super) struct Plane {
    pub(super) title: Text,
    pub(super) x: Text,
    pub(super) y: Text,
    pub(super) x_ticks: Vec<Label>,
    pub(super) y_ticks: Vec<Label>,
    pub(super) zero: Option<String>,
    pub(super) diagonal: Option<[String; 4]>,
    pub(super) shapes: Vec<Shape>,
    pub(super) names: Vec<(Label, &'static str)>,
    pub(super) legend: Vec<(usize, Text)>,
}

/// A piece of text and where it stands.
pub(super) struct Label {
    pub(super) x: String,
    pub(super) y: String,
    pub(super) text: Text,
}

/// A drawn shape of a series.
pub(super) enum Shape {
    Dot { x: String, y: String, r: String, series: usize, faint: bool, said: Text },
    Line { points: String, series: usize },
    Whisker { x: String, low: String, high: String, series: usize },
    Bar { x: String, y: String, width: String, height: String, series: usize, said: Text },
}

fn at(x: f64) -> String {
    let text = format!("{x:.1}");
    if text == "-0.0" { "0.0".into() } else { text }
}

/// An axis, and how far within the plotting area its ends lie.
struct Side {
    axis: Axis,
    inset: f64,
}

impl Side {
    /// So far within that marks of that radius at the ends stay clear of the labels.
    fn clear_of(self, radius: f64) -> Side {
        Side { inset: radius + 1.0, ..self }
    }

    /// Where a value lies between two places.
    fn between(&self, value: f64, from: f64, to: f64) -> f64 {
        let inset = self.inset * (to - from).signum();
        from + inset + self.axis.place(value).at * (to - from - 2.0 * inset)
    }

    fn across(&self, x: f64) -> f64 {
        self.between(x, LEFT, RIGHT)
    }

    fn up(&self, y: f64) -> f64 {
        self.between(y, BOTTOM, TOP)
    }
}

/// An axis over finite numbers; zero is kept where it is near.
fn axis(values: impl Iterator<Item = f64>) -> Side {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for x in values.filter(|x| x.is_finite()) {
        (low, high) = (low.min(x), high.max(x));
    }
    if low > high {
        return side(0.0, 1.0);
    }
    if low > 0.0 && low <= high - low {
        low = 0.0;
    }
    side(low, high)
}

fn side(low: f64, high: f64) -> Side {
    Side { axis: Axis::between(low, high), inset: 0.0 }
}

fn x_ticks(side: &Side) -> Vec<Label> {
    let tick = |t: &f64| Label {
        x: at(side.across(*t)),
        y: at(BOTTOM + 16.0),
        text: Text::of(&number::fixed(*t, side.axis.decimals())),
    };
    side.axis.ticks.iter().map(tick).collect()
}

fn y_ticks(side: &Side) -> Vec<Label> {
    let tick = |t: &f64| Label {
        x: at(LEFT - 6.0),
        y: at(side.up(*t)),
        text: Text::of(&number::fixed(*t, side.axis.decimals())),
    };
    side.axis.ticks.iter().map(tick).collect()
}

fn zero(side: &Side) -> Option<String> {
    side.axis.zero().map(|_| at(side.up(0.0)))
}

fn diagonal(wanted: bool, x: &Side, y: &Side) -> Option<[String; 4]> {
    let ends = |side: &Side| {
        let ticks = &side.axis.ticks;
        (ticks.first().copied().unwrap_or(0.0), ticks.last().copied().unwrap_or(1.0))
    };
    let ((x_low, x_high), (y_low, y_high)) = (ends(x), ends(y));
    let (from, to) = (x_low.max(y_low), x_high.min(y_high));
    (wanted && from < to).then(|| [at(x.across(from)), at(y.up(from)), at(x.across(to)), at(y.up(to))])
}

fn legend<'a>(names: impl Iterator<Item = &'a String>) -> Vec<(usize, Text)> {
    let names: Vec<(usize, Text)> = names.enumerate().map(|(n, name)| (n % SERIES, Text::of(name))).collect();
    if names.len() > 1 { names } else { Vec::new() }
}

/// About as wide as a letter of a name is, and as high as its line.
const LETTER: [f64; 2] = [6.2, 13.0];

/// Names of marks that stand already: from, to, and how high.
type Standing = Vec<(f64, f64, f64)>;

/// A mark's name, at its right, or at its left where there is no room; a line or two lower or higher where another name stands.
fn name_beside(label: &str, (x, y): (f64, f64), away: f64, standing: &mut Standing) -> (Label, &'static str) {
    let [letter, line] = LETTER;
    let wide = letter * label.chars().count().min(40) as f64;
    let fits = x + away + wide <= RIGHT;
    let (x, side) = if fits { (x + away, "start") } else { (x - away, "end") };
    let (from, to) = if fits { (x, x + wide) } else { (x - wide, x) };
    let is_free = |y: &f64| {
        (TOP..=BOTTOM).contains(y)
            && standing.iter().all(|(f, t, at)| to <= *f || *t <= from || (y - at).abs() >= line)
    };
    let places = [0.0, 1.0, -1.0, 2.0, -2.0].map(|lines| y + lines * line);
    let y = places.into_iter().find(is_free).unwrap_or(y);
    standing.push((from, to, y));
    (Label { x: at(x), y: at(y), text: Text::excerpt(label, 40) }, side)
}

/// Points.
pub(super) fn scatter(chart: &Scatter) -> Plane {
    let most = chart.marks.iter().map(|m| m.weight).fold(1.0, f64::max);
    // Area grows with weight; a lone observation stays visible.
    let radius = |weight: f64| if most > 1.0 { (11.0 * (weight / most).sqrt()).max(1.6) } else { 3.2 };
    let x = axis(chart.marks.iter().map(|m| m.x)).clear_of(radius(most));
    let y = axis(chart.marks.iter().map(|m| m.y)).clear_of(radius(most));
    let mut plane = plane(&chart.title, &chart.x, &chart.y, &x, &y);
    plane.diagonal = diagonal(chart.diagonal, &x, &y);
    plane.legend = legend(chart.series.iter());
    let mut standing = Standing::new();
    for mark in chart.marks.iter().filter(|m| m.x.is_finite() && m.y.is_finite()) {
        let (px, py) = (x.across(mark.x), y.up(mark.y));
        let radius = radius(mark.weight);
        let name = mark.label.as_deref().map_or(String::new(), |l| format!("{l}: "));
        let said = format!(
            "{name}{} {}, {} {}",
            chart.x,
            number::fixed(mark.x, 3),
            chart.y,
            number::fixed(mark.y, 3)
        );
        plane.shapes.push(Shape::Dot {
            x: at(px),
            y: at(py),
            r: at(radius),
            series: mark.series % SERIES,
            faint: mark.faint,
            said: Text::of(&said),
        });
        if let Some(label) = &mark.label {
            plane.names.push(name_beside(label, (px, py), radius + 3.0, &mut standing));
        }
    }
    plane
}

/// Values over an ordered quantity.
pub(super) fn lines(chart: &Lines) -> Plane {
    let scale = number::scale(chart.unit);
    let points = || chart.series.iter().flat_map(|s| &s.points);
    let ends = |value: &Value| match value {
        Value::Interval { estimate, low, high, .. } => vec![estimate * scale, low * scale, high * scale],
        Value::Point { estimate, .. } => vec![estimate * scale],
        Value::Undefined(_) => Vec::new(),
    };
    let x = axis(points().map(|p| p.0));
    let y = axis(points().flat_map(|p| ends(&p.1)));
    let unit = match chart.unit {
        Unit::Share => " (%)",
        Unit::Points => " (pp)",
        Unit::Number => "",
    };
    let mut plane = plane(&chart.title, &chart.x, &format!("{}{unit}", chart.y), &x, &y);
    plane.diagonal = diagonal(chart.diagonal, &x, &y);
    plane.legend = legend(chart.series.iter().map(|s| &s.name));
    for (n, series) in chart.series.iter().enumerate() {
        let n = n % SERIES;
        let placed: Vec<(f64, f64, &Value)> = series
            .points
            .iter()
            .filter_map(|(px, v)| Some((x.across(*px), y.up(v.estimate()? * scale), v)))
            .collect();
        let points: Vec<String> =
            placed.iter().map(|(px, py, _)| format!("{},{}", at(*px), at(*py))).collect();
        plane.shapes.push(Shape::Line { points: points.join(" "), series: n });
        for (px, py, value) in placed {
            if let Value::Interval { low, high, .. } = value {
                let (low, high) = (at(y.up(low * scale)), at(y.up(high * scale)));
                plane.shapes.push(Shape::Whisker { x: at(px), low, high, series: n });
            }
            let decimals = number::decimals(std::iter::once(value), chart.unit);
            let said = format!("{}: {}", series.name, number::value(value, chart.unit, decimals));
            plane.shapes.push(Shape::Dot {
                x: at(px),
                y: at(py),
                r: at(3.5),
                series: n,
                faint: false,
                said: Text::of(&said),
            });
        }
    }
    plane
}

/// Bars, whose parts stand on each other.
pub(super) fn bars(chart: &Bars) -> Plane {
    let scale = if chart.share { 100.0 } else { 1.0 };
    let x = side(0.0, 1.0);
    let tallest = chart.bars.iter().map(|b| b.heights.iter().sum::<f64>() * scale);
    let y = axis(tallest.chain(std::iter::once(0.0)));
    let unit = if chart.share { " (%)" } else { "" };
    let mut plane = plane(&chart.title, "", &format!("{}{unit}", chart.y), &x, &y);
    plane.x_ticks.clear();
    plane.legend = legend(chart.parts.iter());
    let width = (RIGHT - LEFT) / chart.bars.len().max(1) as f64;
    // Names of many bars would run into each other: only some are written.
    let every = (44.0 / width).ceil().max(1.0) as usize;
    for (n, bar) in chart.bars.iter().enumerate() {
        let left = LEFT + n as f64 * width;
        let mut below = 0.0;
        for (part, height) in bar.heights.iter().enumerate().filter(|(_, h)| h.is_finite()) {
            let (from, to) = (y.up(below), y.up(below + height * scale));
            below += height * scale;
            let name = chart.parts.get(part).filter(|_| chart.parts.len() > 1);
            let name = name.map_or(bar.label.clone(), |p| format!("{}, {p}", bar.label));
            let shown = number::fixed(height * scale, if chart.share { 1 } else { 2 });
            plane.shapes.push(Shape::Bar {
                x: at(left + width * 0.1),
                y: at(to),
                width: at(width * 0.8),
                height: at((from - to).max(0.0)),
                series: part % SERIES,
                said: Text::of(&format!("{name}: {shown}")),
            });
        }
        if n % every == 0 {
            plane.x_ticks.push(Label {
                x: at(left + width / 2.0),
                y: at(BOTTOM + 16.0),
                text: Text::excerpt(&bar.label, (width * every as f64 / 6.5).max(3.0) as usize),
            });
        }
    }
    plane
}

fn plane(title: &str, x_name: &str, y_name: &str, x: &Side, y: &Side) -> Plane {
    Plane {
        title: Text::of(title),
        x: Text::of(x_name),
        y: Text::of(y_name),
        x_ticks: x_ticks(x),
        y_ticks: y_ticks(y),
        zero: zero(y),
        diagonal: None,
        shapes: Vec::new(),
        names: Vec::new(),
        legend: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plumb_study::document::Mark;

    /// Settings of one kind lie close together.
    #[test]
    fn names_of_near_marks_do_not_lie_over_each_other() {
        let mut standing = Standing::new();
        let mut placed = |name: &str, x: f64, y: f64| {
            let (label, side) = name_beside(name, (x, y), 6.0, &mut standing);
            (label.y.parse::<f64>().unwrap(), side)
        };
        assert_eq!(placed("latent-all-0.4", 250.0, 60.0), (60.0, "start"));
        assert_eq!(placed("refusal-all-1", 256.0, 58.0), (45.0, "start"), "a line higher");
        assert_eq!(placed("latent-all-0.2", 255.0, 59.0), (85.0, "start"), "two lines lower");
        assert_eq!(placed("far", 100.0, 60.0), (60.0, "start"), "nothing stands there");
    }

    /// A metric of 0 and 1 has all its points at the ends of the axis.
    #[test]
    fn wide_points_at_the_ends_stay_within_the_plotting_area() {
        let mark = |x, y, weight| Mark { weight, ..Mark::new(x, y) };
        let chart = Scatter {
            title: String::new(),
            x: "pass".into(),
            y: "rating".into(),
            marks: vec![mark(0.0, 0.0, 40.0), mark(0.0, 4.0, 3.0), mark(1.0, 4.0, 25.0), mark(1.0, 1.0, 1.0)],
            series: Vec::new(),
            diagonal: false,
        };
        let number = |text: &str| text.parse::<f64>().unwrap();
        let plane = scatter(&chart);
        assert_eq!(plane.shapes.len(), 4);
        for shape in &plane.shapes {
            let Shape::Dot { x, y, r, .. } = shape else { panic!("a point is a dot") };
            let (x, y, r) = (number(x), number(y), number(r));
            assert!(LEFT < x - r && x + r < RIGHT, "{x} {r}");
            assert!(TOP < y - r && y + r < BOTTOM, "{y} {r}");
        }
        // A tick stands where its value is.
        let Shape::Dot { x, y, .. } = &plane.shapes[0] else { panic!("a point is a dot") };
        assert_eq!((x, y), (&plane.x_ticks[0].x, &plane.y_ticks[0].y));
    }
}
