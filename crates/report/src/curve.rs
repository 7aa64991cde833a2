//! Curves as SVG, drawn by plotters.
//!
//! Plotters places everything at whole units, so a drawing has four units per CSS pixel. Without font
//! files its text metrics are estimates that depend on no machine. The legend is drawn here, in lines
//! above the plot: plotters' own is one column inside the plot, where it would cover curves.

use std::{fmt::Write as _, io};

use plotters::{
    coord::{
        Shift,
        combinators::{BindKeyPoints as _, IntoLogRange as _},
        ranged1d::{AsRangedCoord, Ranged, ValueFormatter},
    },
    drawing::DrawingAreaErrorKind,
    prelude::{
        ChartBuilder, DashedLineSeries, DrawingArea, IntoDrawingArea as _, IntoFont as _,
        LineSeries, PathElement, SVGBackend, ShapeStyle, Text,
    },
    style::{
        Color as _, FontStyle, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{
    axis::{self, ValueAxis},
    number,
    palette::{GRID, Ink, MUTED, PAPER, TEXT},
    svg::Drawing,
};

/// An error of plotters.
pub(super) type DrawError = DrawingAreaErrorKind<io::Error>;

const WIDTH: u32 = 480;
const HEIGHT: u32 = 292;
/// Units per CSS pixel.
const SCALE: u32 = 4;
/// The SVG backend divides font sizes by this.
const FONT_FACTOR: f64 = 1.24;
const FONT_PIXELS: f64 = 13.0;
/// Mean width of a character in font sizes, rather too large.
const CHARACTER_WIDTH: f64 = 0.56;
/// The vertical axis has at most this many ticks.
const Y_TICKS: usize = 8;

/// Curves over a common pair of axes.
#[derive(Clone, Debug)]
pub(super) struct Plot {
    /// Start of the horizontal axis, unless a point is left of it.
    pub(super) x_start: f64,
    pub(super) x_label: String,
    /// The measured quantity with its unit.
    pub(super) y_label: String,
    /// Later curves are drawn over earlier ones.
    pub(super) lines: Vec<Line>,
    pub(super) legend: Vec<(String, Ink, Stroke)>,
}

/// A curve.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    pub(super) ink: Ink,
    pub(super) stroke: Stroke,
    /// x ascending.
    pub(super) points: Vec<(f64, f64)>,
}

/// How a curve is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stroke {
    /// A single run: thin and faint.
    Run,
    /// The mean over runs: thick.
    Mean,
    /// A mean over equal means: dashed, so that these show through.
    Over {
        /// Number of equal means below.
        covered: usize,
    },
    /// A baseline: dashed, one pattern per baseline.
    Reference {
        /// Its number among the baselines.
        number: usize,
    },
}

/// Lengths of dash and gap of baselines in CSS pixels; after three they repeat.
const PATTERNS: [(f64, f64); 3] = [(6.0, 4.0), (2.0, 3.0), (14.0, 4.0)];

impl Stroke {
    fn style(self, ink: Ink) -> ShapeStyle {
        match self {
            Self::Run => ink.rgb().mix(0.45).stroke_width(SCALE),
            Self::Mean | Self::Over { .. } => ink.rgb().stroke_width(2 * SCALE + 1),
            Self::Reference { .. } => ink.rgb().stroke_width(2 * SCALE - 2),
        }
    }
}

/// Draws a plot.
pub(super) fn draw(plot: &Plot) -> Result<Drawing, DrawError> {
    let mut svg = String::new();
    {
        let root =
            SVGBackend::with_string(&mut svg, (WIDTH * SCALE, HEIGHT * SCALE)).into_drawing_area();
        root.fill(&PAPER.rgb())?;
        let head = draw_head(&root, plot)?;
        let (_, body) = root.split_vertically(head);
        draw_body(&body, plot)?;
        root.present()?;
    }
    // An SVG inside another is valid: the drawing needs no parsing.
    Ok(Drawing { width: WIDTH, height: HEIGHT, scale: SCALE, elements: svg })
}

/// Draws plots one below the other.
pub(super) fn stack(plots: &[Plot]) -> Result<Drawing, DrawError> {
    let mut stacked = Drawing { width: WIDTH, height: 0, scale: SCALE, elements: String::new() };
    for plot in plots {
        let Drawing { height, elements, .. } = draw(plot)?;
        let top = stacked.height * SCALE;
        // Writing to a `String` cannot fail.
        let group = format_args!("<g transform=\"translate(0 {top})\">{elements}</g>\n");
        let _ = stacked.elements.write_fmt(group);
        stacked.height += height;
    }
    Ok(stacked)
}

/// Draws the vertical axis' label and the legend; returns their height in units.
fn draw_head(root: &DrawingArea<SVGBackend<'_>, Shift>, plot: &Plot) -> Result<u32, DrawError> {
    let scale = match y_axis(plot) {
        ValueAxis::Linear(_) => "",
        ValueAxis::Logarithmic { .. } => ", logarithmic",
    };
    let label = format!("{}{scale}", plot.y_label);
    let mut bold = style(TEXT, HPos::Left);
    bold.font = bold.font.style(FontStyle::Bold);
    root.draw(&Text::new(label, (units(4.0), units(12.0)), bold))?;

    let (sample, gap, line_height) = (22.0, 6.0, 18.0);
    let (mut x, mut y) = (4.0, 31.0);
    for (label, ink, stroke) in &plot.legend {
        let width = sample + gap + text_width(label) + 14.0;
        if x > 4.0 && x + width > f64::from(WIDTH) {
            (x, y) = (4.0, y + line_height);
        }
        let ends = vec![(units(x), units(y)), (units(x + sample), units(y))];
        match stroke {
            Stroke::Reference { number } => {
                let (dash, gap) = PATTERNS[number % PATTERNS.len()];
                let mut from = 0.0;
                while from < sample {
                    let ends = [from, sample.min(from + dash)].map(|at| (units(x + at), units(y)));
                    root.draw(&PathElement::new(ends.to_vec(), stroke.style(*ink)))?;
                    from += dash + gap;
                }
            }
            Stroke::Run | Stroke::Mean | Stroke::Over { .. } => {
                root.draw(&PathElement::new(ends, stroke.style(*ink)))?;
            }
        }
        let at = (units(x + sample + gap), units(y));
        root.draw(&Text::new(label.clone(), at, style(TEXT, HPos::Left)))?;
        x += width;
    }
    Ok(units(y + 16.0).unsigned_abs())
}

fn draw_body(area: &DrawingArea<SVGBackend<'_>, Shift>, plot: &Plot) -> Result<(), DrawError> {
    match y_axis(plot) {
        ValueAxis::Linear(range) => draw_chart(area, plot, range),
        ValueAxis::Logarithmic { range, ticks } => {
            draw_chart(area, plot, range.log_scale().with_key_points(ticks))
        }
    }
}

fn draw_chart<Y>(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    plot: &Plot,
    y_axis: Y,
) -> Result<(), DrawError>
where
    Y: AsRangedCoord<Value = f64>,
    Y::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let x = plot.lines.iter().flat_map(|line| &line.points).map(|point| point.0);
    let (x_axis, x_ticks) = axis::counted(plot.x_start, x);
    let mut chart = ChartBuilder::on(area)
        .margin_top(units(4.0))
        .margin_right(units(14.0))
        .x_label_area_size(units(40.0))
        .y_label_area_size(units(56.0))
        .build_cartesian_2d(x_axis, y_axis)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(x_ticks)
        .y_labels(Y_TICKS)
        .x_label_formatter(&|value| number::tick(*value))
        .y_label_formatter(&|value| number::tick(*value))
        .light_line_style(PAPER.rgb().mix(0.0))
        .bold_line_style(GRID.rgb().stroke_width(SCALE))
        .axis_style(MUTED.rgb().stroke_width(SCALE))
        .set_all_tick_mark_size(units(4.0))
        .x_label_style(style(MUTED, HPos::Left))
        .y_label_style(style(MUTED, HPos::Left))
        .axis_desc_style(style(MUTED, HPos::Left))
        .x_desc(plot.x_label.clone())
        .draw()?;
    for line in &plot.lines {
        let points = line.points.iter().copied();
        let style = line.stroke.style(line.ink);
        match (line.stroke, line.points.as_slice()) {
            (_, []) => {}
            // A single point has no line.
            (_, [point]) => {
                let dot = plotters::element::Circle::new(*point, units(2.5), style.filled());
                chart.draw_series([dot])?;
            }
            (Stroke::Reference { number }, _) => {
                let (dash, gap) = PATTERNS[number % PATTERNS.len()];
                chart.draw_series(DashedLineSeries::new(points, units(dash), units(gap), style))?;
            }
            (Stroke::Over { covered }, _) => {
                // The more lines are below, the wider the gaps.
                let gap = units(8.0 * covered as f64);
                chart.draw_series(DashedLineSeries::new(points, units(8.0), gap, style))?;
            }
            (Stroke::Run | Stroke::Mean, _) => {
                chart.draw_series(LineSeries::new(points, style))?;
            }
        }
    }
    Ok(())
}

fn y_axis(plot: &Plot) -> ValueAxis {
    ValueAxis::of(plot.lines.iter().flat_map(|line| &line.points).map(|point| point.1))
}

/// Returns `pixels` in units of the drawing.
#[expect(clippy::cast_possible_truncation, reason = "positions on a page fit an i32")]
fn units(pixels: f64) -> i32 {
    (pixels * f64::from(SCALE)).round() as i32
}

fn text_width(text: &str) -> f64 {
    text.chars().count() as f64 * FONT_PIXELS * CHARACTER_WIDTH
}

fn style(ink: Ink, horizontal: HPos) -> TextStyle<'static> {
    let size = FONT_PIXELS * f64::from(SCALE) * FONT_FACTOR;
    ("sans-serif", size).into_font().color(&ink.rgb()).pos(Pos::new(horizontal, VPos::Center))
}
