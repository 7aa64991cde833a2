//! A document as Markdown with pipe tables, referring to figures as files.

use super::document::{Align, Block, Document, Figure, RowKind, Span, Table, Text};

/// Renders `document` as the text of `report.md`.
pub(super) fn render(document: &Document) -> String {
    let Document { title, subtitle, made_by, blocks } = document;
    let mut pieces = vec![
        format!("<!-- Made by `{}`; do not edit. -->", made_by.replace("--", "- -")),
        format!("# {}", escape(title)),
        escape(subtitle),
    ];
    pieces.extend(blocks.iter().map(block));
    let mut text = pieces.join("\n\n");
    text.push('\n');
    text
}

fn block(block: &Block) -> String {
    match block {
        Block::Heading(title) => format!("## {}", escape(title)),
        Block::Prose(text) | Block::Note(text) => inline(text),
        Block::Authored(markdown) => markdown.trim().to_owned(),
        Block::Findings(findings) => {
            let lines: Vec<String> =
                findings.iter().map(|finding| format!("> - {}", inline(finding))).collect();
            lines.join("\n")
        }
        Block::List(items) => {
            let lines: Vec<String> =
                items.iter().map(|item| format!("- {}", inline(item))).collect();
            lines.join("\n")
        }
        Block::Table(table) => self::table(table),
        Block::Figures { figures, layout: _ } => {
            figures.iter().map(figure).collect::<Vec<_>>().join("\n\n")
        }
        Block::Command(command) => format!("```sh\n{command}\n```"),
        Block::Fold { summary, blocks } => {
            let inner: Vec<String> = blocks.iter().map(self::block).collect();
            format!("### {}\n\n{}", escape(summary), inner.join("\n\n"))
        }
    }
}

fn table(table: &Table) -> String {
    let Table { caption, columns, rows } = table;
    let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    let mut lines = vec![format!("**{}**", inline(caption)), String::new()];
    lines.push(line(columns.iter().map(|column| escape(&column.label)).collect()));
    let rule = |align| match align {
        Align::Left => ":--".to_owned(),
        Align::Right => "--:".to_owned(),
    };
    lines.push(line(columns.iter().map(|column| rule(column.align)).collect()));
    for row in rows {
        let cells = row.cells.iter().enumerate().map(|(index, cell)| match (row.kind, index) {
            (RowKind::Reference | RowKind::Bound, 0) => format!("*{}*", inline(cell)),
            (RowKind::Reference | RowKind::Bound | RowKind::Ordinary, _) => inline(cell),
        });
        lines.push(line(cells.collect()));
    }
    lines.join("\n")
}

fn figure(figure: &Figure) -> String {
    let Figure { path, picture: _, alt, caption } = figure;
    format!("![{}]({path})\n\n{}", escape(alt), inline(caption))
}

fn inline(text: &Text) -> String {
    let spans = text.0.iter().map(|span| match span {
        Span::Plain(text) => escape(text),
        Span::Strong(text) => format!("**{}**", escape(text)),
        Span::Code(code) => code_span(code),
    });
    spans.collect()
}

/// Quotes code with as many backticks as it takes; a pipe would end a table's cell.
fn code_span(code: &str) -> String {
    let one_line = code.replace('\n', " ").replace('|', "\\|");
    if one_line.contains('`') { format!("`` {one_line} ``") } else { format!("`{one_line}`") }
}

/// Escapes what Markdown would take for markup, and only that: a bracket that starts no link or an
/// underscore inside a word stays as it is.
fn escape(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let at = |index: Option<usize>| index.and_then(|index| characters.get(index)).copied();
    let mut escaped = String::with_capacity(text.len());
    for (index, &character) in characters.iter().enumerate() {
        let (previous, next) = (at(index.checked_sub(1)), at(Some(index + 1)));
        let is_word = |neighbour: Option<char>| neighbour.is_some_and(char::is_alphanumeric);
        let is_markup = match character {
            '\\' | '`' | '*' | '<' | '>' | '|' => true,
            ']' => matches!(next, Some('(' | '[' | ':')),
            '_' => !(is_word(previous) && is_word(next)),
            '#' => index == 0,
            _ => false,
        };
        if is_markup {
            escaped.push('\\');
        }
        escaped.push(if character == '\n' { ' ' } else { character });
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &Text, expected: &str) {
        assert_eq!(inline(text), expected);
    }

    #[test]
    fn labels_cannot_become_markup() {
        check(&Text::from("a*b|<i>"), "a\\*b\\|\\<i\\>");
        check(&Text::from("_a_ [b](c)"), "\\_a\\_ [b\\](c)");
    }

    #[test]
    fn what_is_no_markup_stands_as_written() {
        check(&Text::from("kl_weight [0, 1] #1"), "kl_weight [0, 1] #1");
    }

    #[test]
    fn code_keeps_its_backticks() {
        check(&Text::default().code("a`b"), "`` a`b ``");
    }
}
