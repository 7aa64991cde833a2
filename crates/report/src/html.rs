//! A document as one self-contained HTML file.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use super::{
    document::{
        Align, Column, Document, Figure, FigureContent, FigureLayout, PageBlock, PageTable,
        RichText, Row, RowKind, Span,
    },
    palette, svg,
};

/// The largest magnification of an animation.
const GIF_ENLARGED_MAX: usize = 3;

const STYLE: &str = include_str!("style.css");

/// Renders `document` as the text of `report.html`.
pub(super) fn render(document: &Document) -> String {
    let Document { title, subtitle, command, blocks } = document;
    let dark = format!("@media (prefers-color-scheme:dark){{\n{}}}\n", palette::dark_rules());
    // Drawings are always printed in light colours.
    let dark = dark.replace("@media (", "@media screen and (");
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content=(command);
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
                    footer { p { "Rebuild this report with " code { (command) } "." } }
                }
            }
        }
    };
    let mut text = page.into_string();
    text.push('\n');
    text
}

fn block(block: &PageBlock) -> Markup {
    match block {
        PageBlock::Heading(title) => html! { h2 id=(anchor(title)) { (title) } },
        PageBlock::Prose(text) => html! { p { (inline(text)) } },
        PageBlock::Authored(markdown) => authored(markdown),
        PageBlock::Findings(findings) => html! {
            ul.findings { @for finding in findings { li { (inline(finding)) } } }
        },
        PageBlock::Note(text) => html! { p.note { (inline(text)) } },
        PageBlock::List(items) => html! {
            ul.note { @for item in items { li { (inline(item)) } } }
        },
        PageBlock::Table(table) => self::table(table),
        PageBlock::Figures { figures, layout } => {
            let class = match layout {
                FigureLayout::Grid => "grid",
                FigureLayout::Wide => "wide",
                FigureLayout::Natural => "natural",
            };
            html! { div class=(class) { @for figure in figures { (self::figure(figure)) } } }
        }
        PageBlock::Command(command) => html! { pre { code { (command) } } },
        PageBlock::Fold { summary, blocks } => html! {
            details open {
                summary { (summary) }
                @for block in blocks { (self::block(block)) }
            }
        },
    }
}

fn table(table: &PageTable) -> Markup {
    let PageTable { caption, columns, rows } = table;
    // On a narrow screen, tables of numbers scroll and tables of words wrap.
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
        RowKind::Baseline | RowKind::UpperBound => Some("reference"),
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
    let Figure { path: _, content, alt, caption } = figure;
    html! {
        figure {
            @match content {
                FigureContent::Svg(drawing) => {
                    // The style sheet keeps a wide drawing near its natural size, for legible labels.
                    div.drawing style={ "--natural:" (drawing.width) "px" } {
                        (PreEscaped(svg::inline(drawing, alt)))
                    }
                }
                FigureContent::Gif { bytes, width, height } => {
                    img alt=(alt) width=(width) height=(height)
                        style={ "max-width:" (GIF_ENLARGED_MAX * width) "px" }
                        src={ "data:image/gif;base64," (STANDARD.encode(bytes)) };
                }
                FigureContent::Png { bytes, width } => {
                    img alt=(alt) width=(width)
                        src={ "data:image/png;base64," (STANDARD.encode(bytes)) };
                }
            }
            figcaption { (inline(caption)) }
        }
    }
}

fn inline(text: &RichText) -> Markup {
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

/// Renders the author's Markdown. HTML in it is shown as text, and images are replaced by their alternative
/// text, so that the page refers to no file.
fn authored(markdown: &str) -> Markup {
    let events = Parser::new(markdown).filter_map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Some(Event::Text(text)),
        Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => None,
        other => Some(other),
    });
    let mut page = String::new();
    pulldown_cmark::html::push_html(&mut page, events);
    PreEscaped(page)
}

/// Returns the anchor of a heading: its words in lower case, joined by hyphens.
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
    fn paragraphs_are_separated_by_empty_lines() {
        check("one\ntwo\n\nthree", "<p>one\ntwo</p>\n<p>three</p>\n");
    }

    #[test]
    fn lists_are_rendered() {
        check(
            "one\n\n- *a* is\n  long\n- b",
            "<p>one</p>\n<ul>\n<li><em>a</em> is\nlong</li>\n<li>b</li>\n</ul>\n",
        );
    }

    #[test]
    fn inline_marks_are_rendered() {
        check("a `b*c` **d** *e*", "<p>a <code>b*c</code> <strong>d</strong> <em>e</em></p>\n");
    }

    #[test]
    fn an_unpaired_mark_is_text() {
        check("2 * 3 < 7", "<p>2 * 3 &lt; 7</p>\n");
    }

    #[test]
    fn html_in_the_description_is_text() {
        check("<script>", "&lt;script&gt;");
        check("a <b>c</b>", "<p>a &lt;b&gt;c&lt;/b&gt;</p>\n");
    }

    #[test]
    fn images_in_the_description_are_replaced_by_their_text() {
        check("![a plot](https://example.com/plot.png)", "<p>a plot</p>\n");
    }
}
