//! A document as one HTML file that needs nothing else: style, drawings and pictures are inside.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{
    document::{
        Align, Block, Column, Document, Figure, Layout, Picture, Row, RowKind, Span, Table, Text,
    },
    palette, svg,
};

/// A small animation is enlarged at most by this.
const GIF_ENLARGED_MAX: usize = 3;

const STYLE: &str = include_str!("style.css");

/// Renders `document` as the text of `report.html`.
pub(super) fn render(document: &Document) -> String {
    let Document { title, subtitle, made_by, blocks } = document;
    let dark = format!("@media (prefers-color-scheme:dark){{\n{}}}\n", palette::dark_rules());
    // On paper every drawing is light, whatever the screen shows.
    let dark = dark.replace("@media (", "@media screen and (");
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content=(made_by);
                title { (title) }
                style { (PreEscaped(STYLE)) (PreEscaped(dark)) }
            }
            body {
                main {
                    header {
                        h1 { (title) }
                        p.subtitle { (subtitle) }
                    }
                    @for block in blocks { (self::block(block)) }
                    footer { p { "Made from records by " code { (made_by) } "." } }
                }
            }
        }
    };
    let mut text = page.into_string();
    text.push('\n');
    text
}

fn block(block: &Block) -> Markup {
    match block {
        Block::Heading(title) => html! { h2 id=(anchor(title)) { (title) } },
        Block::Prose(text) => html! { p { (inline(text)) } },
        Block::Authored(markdown) => authored(markdown),
        Block::Findings(findings) => html! {
            ul.findings { @for finding in findings { li { (inline(finding)) } } }
        },
        Block::Note(text) => html! { p.note { (inline(text)) } },
        Block::List(items) => html! {
            ul.note { @for item in items { li { (inline(item)) } } }
        },
        Block::Table(table) => self::table(table),
        Block::Figures { figures, layout } => {
            let class = match layout {
                Layout::Grid => "grid",
                Layout::Wide => "wide",
                Layout::Natural => "natural",
            };
            html! { div class=(class) { @for figure in figures { (self::figure(figure)) } } }
        }
        Block::Command(command) => html! { pre { code { (command) } } },
        Block::Fold { summary, blocks } => html! {
            details open {
                summary { (summary) }
                @for block in blocks { (self::block(block)) }
            }
        },
    }
}

fn table(table: &Table) -> Markup {
    let Table { caption, columns, rows } = table;
    // Rows of numbers are scrolled sideways on a narrow screen; rows of words are broken.
    let numbers = columns.iter().any(|column| column.align == Align::Right);
    html! {
        figure.table {
            figcaption { (inline(caption)) }
            div.scroll {
                table class=[numbers.then_some("numbers")] {
                    thead {
                        tr {
                            @for column in columns {
                                th scope="col" class=[class(column)] { (column.label) }
                            }
                        }
                    }
                    tbody { @for row in rows { (self::row(row, columns)) } }
                }
            }
        }
    }
}

fn row(row: &Row, columns: &[Column]) -> Markup {
    let kind = match row.kind {
        RowKind::Ordinary => None,
        RowKind::Reference | RowKind::Bound => Some("reference"),
    };
    html! {
        tr class=[kind] {
            @for (index, (cell, column)) in row.cells.iter().zip(columns).enumerate() {
                @if index == 0 {
                    th scope="row" class=[class(column)] { (inline(cell)) }
                } @else {
                    td class=[class(column)] { (inline(cell)) }
                }
            }
        }
    }
}

fn class(column: &Column) -> Option<&'static str> {
    match column.align {
        Align::Left => None,
        Align::Right => Some("number"),
    }
}

fn figure(figure: &Figure) -> Markup {
    let Figure { path: _, picture, alt, caption } = figure;
    html! {
        figure {
            @match picture {
                Picture::Svg(drawing) => {
                    // The style sheet keeps a wide drawing near the size that its labels are made for.
                    div.drawing style={ "--natural:" (drawing.width) "px" } {
                        (PreEscaped(svg::inline(drawing, alt)))
                    }
                }
                Picture::Gif { bytes, width, height } => {
                    img alt=(alt) width=(width) height=(height)
                        style={ "max-width:" (GIF_ENLARGED_MAX * width) "px" }
                        src={ "data:image/gif;base64," (STANDARD.encode(bytes)) };
                }
            }
            figcaption { (inline(caption)) }
        }
    }
}

fn inline(text: &Text) -> Markup {
    html! {
        @for span in &text.0 {
            @match span {
                Span::Plain(text) => (text),
                Span::Strong(text) => strong { (text) },
                Span::Code(code) => code { (code) },
            }
        }
    }
}

/// Renders the author's Markdown: paragraphs, lists of `- ` items, `code`, **strong** and *emphasis*;
/// everything else stands as written.
fn authored(markdown: &str) -> Markup {
    let mut blocks: Vec<AuthoredBlock> = Vec::new();
    for paragraph in markdown.split("\n\n") {
        let mut is_first = true;
        for line in paragraph.lines().map(str::trim).filter(|line| !line.is_empty()) {
            match (line.strip_prefix("- "), blocks.last_mut()) {
                (Some(item), Some(AuthoredBlock::List(items))) => items.push(item.to_owned()),
                (Some(item), _) => blocks.push(AuthoredBlock::List(vec![item.to_owned()])),
                (None, Some(last)) if !is_first => last.go_on(line),
                (None, _) => blocks.push(AuthoredBlock::Paragraph(line.to_owned())),
            }
            is_first = false;
        }
    }
    html! {
        @for block in &blocks {
            @match block {
                AuthoredBlock::Paragraph(text) => p { (marked(text)) },
                AuthoredBlock::List(items) => ul { @for item in items { li { (marked(item)) } } },
            }
        }
    }
}

/// A piece of the author's Markdown, its lines joined.
enum AuthoredBlock {
    Paragraph(String),
    List(Vec<String>),
}

impl AuthoredBlock {
    /// Appends a line to the paragraph or to the last item.
    fn go_on(&mut self, line: &str) {
        let text = match self {
            Self::Paragraph(text) => Some(text),
            Self::List(items) => items.last_mut(),
        };
        if let Some(text) = text {
            text.extend([" ", line]);
        }
    }
}

/// Renders the inline markup of a paragraph.
fn marked(text: &str) -> Markup {
    const MARKS: [&str; 3] = ["`", "**", "*"];
    let first = MARKS
        .iter()
        .filter_map(|mark| text.find(mark).map(|at| (at, *mark)))
        .min_by_key(|(at, mark)| (*at, std::cmp::Reverse(mark.len())));
    let Some((at, mark)) = first else { return html! { (text) } };
    let (before, rest) = (&text[..at], &text[at + mark.len()..]);
    let Some(end) = rest.find(mark).filter(|end| *end > 0) else {
        return html! { (before) (mark) (marked(rest)) };
    };
    let (inside, after) = (&rest[..end], &rest[end + mark.len()..]);
    html! {
        (before)
        @match mark {
            "`" => code { (inside) },
            "**" => strong { (marked(inside)) },
            _ => em { (marked(inside)) },
        }
        (marked(after))
    }
}

/// Returns a heading's anchor: its letters and digits, everything else as hyphens.
fn anchor(title: &str) -> String {
    let words: Vec<String> = title
        .split(|character: char| !character.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    words.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(markdown: &str, expected: &str) {
        assert_eq!(authored(markdown).into_string(), expected);
    }

    #[test]
    fn paragraphs_are_parted_by_empty_lines() {
        check("one\ntwo\n\nthree", "<p>one two</p><p>three</p>");
    }

    #[test]
    fn items_are_lists_with_their_lines_joined() {
        check(
            "one\n\n- *a* is\n  long\n- b\n\ntwo\n- c",
            "<p>one</p><ul><li><em>a</em> is long</li><li>b</li></ul><p>two</p><ul><li>c</li></ul>",
        );
    }

    #[test]
    fn inline_marks_are_rendered() {
        check("a `b*c` **d** *e*", "<p>a <code>b*c</code> <strong>d</strong> <em>e</em></p>");
    }

    #[test]
    fn a_mark_without_its_partner_stands_as_written() {
        check("2 * 3 < 7", "<p>2 * 3 &lt; 7</p>");
    }

    #[test]
    fn markup_in_the_description_is_escaped() {
        check("<script>", "<p>&lt;script&gt;</p>");
    }
}
