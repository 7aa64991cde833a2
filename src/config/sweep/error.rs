//! The error for a problem in a sweep file or override, with its position.

use std::{fmt, ops::Range, path::PathBuf};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet, renderer::DecorStyle};
use thiserror::Error;

use super::problem::ConfigProblem;

/// Longer lines, in characters, are not shown.
const EXCERPT_CHARACTERS_MAX: usize = 160;

/// A problem in a sweep file or in an override, with its position.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{}:{}:{}: {}", .0.origin, .0.line, .0.column, .0.problem)]
pub struct ConfigError(Box<Located>);

#[derive(Clone, Debug, PartialEq)]
struct Located {
    origin: TextOrigin,
    line: usize,
    column: usize,
    problem: ConfigProblem,
    excerpt: Option<Excerpt>,
}

/// The line with the problem, and the bytes that the caret marks.
#[derive(Clone, Debug, PartialEq)]
struct Excerpt {
    line: String,
    span: Range<usize>,
}

/// The source of a text with settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TextOrigin {
    File(PathBuf),
    /// The argument of a `--set` option.
    Override(String),
}

impl fmt::Display for TextOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Override(text) => write!(f, "--set {text}"),
        }
    }
}

impl ConfigError {
    /// Locates a problem at the bytes `span` of `text`.
    pub(super) fn new(
        origin: TextOrigin,
        text: &str,
        span: &Range<usize>,
        problem: ConfigProblem,
    ) -> Self {
        let start = text.floor_char_boundary(span.start);
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
        let line_text = text[line_start..line_end].trim_end_matches('\r');
        let start = start.min(line_start + line_text.len());
        let end = text.floor_char_boundary(span.end.clamp(start, line_start + line_text.len()));
        let excerpt = (line_text.chars().count() <= EXCERPT_CHARACTERS_MAX).then(|| Excerpt {
            line: line_text.to_owned(),
            span: start - line_start..end.max(start) - line_start,
        });
        Self(Box::new(Located {
            origin,
            line: text[..line_start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            problem,
            excerpt,
        }))
    }

    /// Returns the file, or the override as it was typed.
    pub fn origin(&self) -> String {
        self.0.origin.to_string()
    }

    /// Returns the line, the first being 1.
    pub fn line(&self) -> usize {
        self.0.line
    }

    /// Returns the column in characters, the first being 1.
    pub fn column(&self) -> usize {
        self.0.column
    }

    /// Returns the message without the position.
    pub fn message(&self) -> String {
        self.0.problem.to_string()
    }

    /// Returns how to correct the problem, if that is known.
    pub fn hint(&self) -> Option<String> {
        self.0.problem.hint()
    }

    /// Renders message, position, the marked line, and the hint, without colour.
    pub fn render(&self) -> String {
        let Located { origin, line, column, excerpt, .. } = &*self.0;
        let (path, title, hint) = (origin.to_string(), self.message(), self.hint());
        let Some(Excerpt { line: text, span }) = excerpt else {
            let hint = hint.map_or_else(String::new, |hint| format!("\n  = hint: {hint}"));
            return format!("error: {title}\n --> {path}:{line}:{column}{hint}");
        };
        let snippet = Snippet::source(text.as_str())
            .path(path)
            .line_start(*line)
            .annotation(AnnotationKind::Primary.span(span.clone()));
        let mut group = Level::ERROR.primary_title(title).element(snippet);
        if let Some(hint) = hint {
            group = group.element(Level::HELP.with_name("hint").message(hint));
        }
        Renderer::plain().decor_style(DecorStyle::Ascii).render(&[group])
    }
}
