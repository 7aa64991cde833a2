//! A report as a list of blocks, before it is known whether it becomes Markdown or HTML.
//!
//! Text is kept as spans of plain values: escaping is the renderers' duty and happens once, there.

use super::{number::ABSENT, svg};

/// A whole report.
#[derive(Clone, Debug)]
pub(super) struct Document {
    /// The heading.
    pub(super) title: String,
    /// Name, preset and size of the sweep in a line.
    pub(super) subtitle: String,
    /// The command that makes this report from records.
    pub(super) made_by: String,
    /// Everything below the heading.
    pub(super) blocks: Vec<Block>,
}

impl Document {
    /// Returns all figures in reading order.
    pub(super) fn figures(&self) -> Vec<&Figure> {
        fn collect<'a>(blocks: &'a [Block], figures: &mut Vec<&'a Figure>) {
            for block in blocks {
                match block {
                    Block::Figures { figures: here, layout: _ } => figures.extend(here),
                    Block::Fold { blocks, summary: _ } => collect(blocks, figures),
                    Block::Heading(_)
                    | Block::Prose(_)
                    | Block::Authored(_)
                    | Block::Findings(_)
                    | Block::Note(_)
                    | Block::List(_)
                    | Block::Table(_)
                    | Block::Command(_) => {}
                }
            }
        }
        let mut figures = Vec::new();
        collect(&self.blocks, &mut figures);
        figures
    }
}

/// A piece of a page.
#[derive(Clone, Debug)]
pub(super) enum Block {
    /// Starts a section.
    Heading(String),
    /// A paragraph.
    Prose(Text),
    /// Paragraphs that the author of the sweep wrote in Markdown.
    Authored(String),
    /// What the data say, one sentence an item.
    Findings(Vec<Text>),
    /// Small print below a table or figure.
    Note(Text),
    /// Small print as a list.
    List(Vec<Text>),
    /// A table.
    Table(Table),
    /// Figures that belong together.
    Figures {
        /// The figures.
        figures: Vec<Figure>,
        /// How they stand.
        layout: Layout,
    },
    /// A shell command.
    Command(String),
    /// Details that a reader opens on demand.
    Fold {
        /// The line that is always seen.
        summary: String,
        /// What opens.
        blocks: Vec<Block>,
    },
}

/// How figures stand on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Side by side as the width allows.
    Grid,
    /// One below the other over the whole width; scrolled sideways where that is too narrow.
    Wide,
    /// Side by side at their own size.
    Natural,
}

/// A run of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Span {
    /// As it is.
    Plain(String),
    /// Emphasized by weight.
    Strong(String),
    /// A name from code, a path, a digest.
    Code(String),
}

/// Text of a paragraph or a cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Text(pub(super) Vec<Span>);

impl Text {
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

    /// Adds text of a record, in which code stands between backticks.
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

impl<T: Into<String>> From<T> for Text {
    fn from(text: T) -> Self {
        Self::default().plain(text)
    }
}

/// A table with a head row.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// What the table shows.
    pub(super) caption: Text,
    /// The head row.
    pub(super) columns: Vec<Column>,
    /// All other rows.
    pub(super) rows: Vec<Row>,
}

impl Table {
    /// Leaves out columns in which no row has anything.
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
    /// The head.
    pub(super) label: String,
    /// Where its cells stand.
    pub(super) align: Align,
}

impl Column {
    /// Makes a column of words.
    pub(super) fn words(label: impl Into<String>) -> Self {
        Self { label: label.into(), align: Align::Left }
    }

    /// Makes a column of numbers.
    pub(super) fn numbers(label: impl Into<String>) -> Self {
        Self { label: label.into(), align: Align::Right }
    }
}

/// Where the cells of a column stand.
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
    /// What kind of row it is.
    pub(super) kind: RowKind,
    /// One cell a column.
    pub(super) cells: Vec<Text>,
}

impl Row {
    /// Makes an ordinary row.
    pub(super) fn new(cells: Vec<Text>) -> Self {
        Self { kind: RowKind::Ordinary, cells }
    }
}

/// What kind of row of a table it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowKind {
    /// An arm, a run, a setting.
    Ordinary,
    /// A reference that the others are read against.
    Reference,
    /// A reference that is the best there can be.
    Bound,
}

/// A picture with a caption.
#[derive(Clone, Debug)]
pub(super) struct Figure {
    /// Path relative to the report's folder.
    pub(super) path: String,
    /// The picture.
    pub(super) picture: Picture,
    /// What a reader who cannot see it is told.
    pub(super) alt: String,
    /// What is seen.
    pub(super) caption: Text,
}

impl Figure {
    /// Returns the bytes of the figure as a file of its own.
    pub(super) fn file(&self) -> Vec<u8> {
        match &self.picture {
            Picture::Svg(drawing) => svg::standalone(drawing, &self.alt).into_bytes(),
            Picture::Gif { bytes, width: _, height: _ } => bytes.clone(),
        }
    }
}

/// The content of a figure.
#[derive(Clone, Debug)]
pub(super) enum Picture {
    /// A drawing.
    Svg(svg::Drawing),
    /// An animation.
    Gif {
        /// The encoded file.
        bytes: Vec<u8>,
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
}
