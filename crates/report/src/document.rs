//! A report as a list of blocks, independent of Markdown and HTML.
//!
//! Text is stored as spans without escapes; the renderers escape it.

use super::{number::ABSENT, svg};

/// A whole report.
#[derive(Clone, Debug)]
pub(super) struct Document {
    pub(super) title: String,
    /// Name, preset and size of the sweep on one line.
    pub(super) subtitle: String,
    /// The command that builds this report.
    pub(super) command: String,
    pub(super) blocks: Vec<PageBlock>,
}

impl Document {
    /// Returns all figures in reading order.
    pub(super) fn figures(&self) -> Vec<&Figure> {
        fn collect<'a>(blocks: &'a [PageBlock], figures: &mut Vec<&'a Figure>) {
            for block in blocks {
                match block {
                    PageBlock::Figures { figures: here, layout: _ } => figures.extend(here),
                    PageBlock::Fold { blocks, summary: _ } => collect(blocks, figures),
                    PageBlock::Heading(_)
                    | PageBlock::Prose(_)
                    | PageBlock::Authored(_)
                    | PageBlock::Findings(_)
                    | PageBlock::Note(_)
                    | PageBlock::List(_)
                    | PageBlock::Table(_)
                    | PageBlock::Command(_) => {}
                }
            }
        }
        let mut figures = Vec::new();
        collect(&self.blocks, &mut figures);
        figures
    }
}

/// A part of a page.
#[derive(Clone, Debug)]
pub(super) enum PageBlock {
    /// Starts a section.
    Heading(String),
    /// A paragraph.
    Prose(RichText),
    /// The description in the sweep file, in Markdown.
    Authored(String),
    /// The main results as a list.
    Findings(Vec<RichText>),
    /// Small print below a table or figure.
    Note(RichText),
    /// Small print as a list.
    List(Vec<RichText>),
    /// A table.
    Table(PageTable),
    /// Figures that belong together.
    Figures { figures: Vec<Figure>, layout: FigureLayout },
    /// A shell command.
    Command(String),
    /// Details that a reader can fold away.
    Fold {
        /// The line that is always visible.
        summary: String,
        blocks: Vec<PageBlock>,
    },
}

/// How figures are placed on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FigureLayout {
    /// Side by side as the width allows.
    Grid,
    /// One below the other over the whole width, with horizontal scrolling if they are wider.
    Wide,
    /// Side by side at their own size.
    Natural,
}

/// A piece of text with one style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Span {
    Plain(String),
    Strong(String),
    /// A name from code, a path, a digest.
    Code(String),
}

/// The text of a paragraph or a cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RichText(pub(super) Vec<Span>);

impl RichText {
    /// Adds plain text.
    pub(super) fn plain(mut self, text: impl Into<String>) -> Self {
        self.0.push(Span::Plain(text.into()));
        self
    }

    /// Adds strong text.
    pub(super) fn strong(mut self, text: impl Into<String>) -> Self {
        self.0.push(Span::Strong(text.into()));
        self
    }

    /// Adds text of a record, with code between backticks.
    pub(super) fn recorded(self, text: &str) -> Self {
        text.split('`').enumerate().filter(|(_, part)| !part.is_empty()).fold(
            self,
            |text, (place, part)| {
                if place % 2 == 0 { text.plain(part) } else { text.code(part) }
            },
        )
    }

    /// Adds code.
    pub(super) fn code(mut self, text: impl Into<String>) -> Self {
        self.0.push(Span::Code(text.into()));
        self
    }
}

impl<T: Into<String>> From<T> for RichText {
    fn from(text: T) -> Self {
        Self::default().plain(text)
    }
}

/// A table with a header row.
#[derive(Clone, Debug)]
pub(super) struct PageTable {
    pub(super) caption: RichText,
    pub(super) columns: Vec<Column>,
    /// The rows below the header.
    pub(super) rows: Vec<Row>,
}

impl PageTable {
    /// Removes columns in which all cells are absent.
    pub(super) fn without_empty_columns(mut self) -> Self {
        let is_kept = |column: usize| {
            self.rows.iter().any(|row| row.cells.get(column).is_some_and(|it| *it != ABSENT.into()))
        };
        let kept: Vec<bool> = (0..self.columns.len()).map(is_kept).collect();
        let mut of_columns = kept.iter();
        self.columns.retain(|_| *of_columns.next().unwrap_or(&true));
        for row in &mut self.rows {
            let mut of_cells = kept.iter();
            row.cells.retain(|_| *of_cells.next().unwrap_or(&true));
        }
        self
    }
}

/// A column of a table.
#[derive(Clone, Debug)]
pub(super) struct Column {
    /// The header.
    pub(super) label: String,
    pub(super) align: Align,
}

impl Column {
    /// Returns a column of words.
    pub(super) fn words(label: impl Into<String>) -> Self {
        Self { label: label.into(), align: Align::Left }
    }

    /// Returns a column of numbers.
    pub(super) fn numbers(label: impl Into<String>) -> Self {
        Self { label: label.into(), align: Align::Right }
    }
}

/// The alignment of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A row of a table.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) kind: RowKind,
    /// One cell per column.
    pub(super) cells: Vec<RichText>,
}

impl Row {
    /// Returns an ordinary row.
    pub(super) fn new(cells: Vec<RichText>) -> Self {
        Self { kind: RowKind::Ordinary, cells }
    }
}

/// The kind of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowKind {
    /// An arm, a run, a setting.
    Ordinary,
    /// A baseline.
    Baseline,
    /// The baseline that is an upper bound.
    UpperBound,
}

/// A drawing or animation with a caption.
#[derive(Clone, Debug)]
pub(super) struct Figure {
    /// Path relative to the report's folder.
    pub(super) path: String,
    pub(super) content: FigureContent,
    /// Text for readers who cannot see the figure.
    pub(super) alt: String,
    pub(super) caption: RichText,
}

impl Figure {
    /// Returns the figure as a file.
    pub(super) fn file(&self) -> Vec<u8> {
        match &self.content {
            FigureContent::Svg(drawing) => svg::standalone(drawing, &self.alt).into_bytes(),
            FigureContent::Gif { bytes, width: _, height: _ }
            | FigureContent::Png { bytes, width: _ } => bytes.clone(),
        }
    }
}

/// The content of a figure.
#[derive(Clone, Debug)]
pub(super) enum FigureContent {
    /// A drawing.
    Svg(svg::Drawing),
    /// An animation; its size is in pixels.
    Gif { bytes: Vec<u8>, width: usize, height: usize },
    /// An image; its width is in pixels.
    Png { bytes: Vec<u8>, width: u32 },
}
