//! SVG as a value: the size and the elements of a drawing without its root element, so that one drawing
//! becomes part of a page and a file.

use std::fmt::Write as _;

use super::palette;

/// Fonts of all text in drawings.
const FONTS: &str = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif";

/// The elements of an SVG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Drawing {
    /// Width on the page in CSS pixels.
    pub(super) width: u32,
    /// Height on the page in CSS pixels.
    pub(super) height: u32,
    /// Units of the drawing per CSS pixel.
    pub(super) scale: u32,
    pub(super) elements: String,
}

/// Returns the drawing as an element of the page.
pub(super) fn inline(drawing: &Drawing, alt: &str) -> String {
    render(drawing, alt, "")
}

/// Returns the drawing as a file.
pub(super) fn standalone(drawing: &Drawing, alt: &str) -> String {
    let style = format!(
        "<style>text{{font-family:{FONTS};font-variant-numeric:tabular-nums}}\n\
         @media (prefers-color-scheme:dark){{\n{}}}</style>\n",
        palette::dark_rules()
    );
    render(drawing, alt, &style)
}

fn render(drawing: &Drawing, alt: &str, style: &str) -> String {
    let Drawing { width, height, scale, elements } = drawing;
    let alt = escape(alt);
    let mut svg = String::new();
    // Writing to a `String` cannot fail.
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{alt}\">\n{style}{elements}</svg>\n",
        width * scale,
        height * scale,
    );
    svg
}

/// Escapes text for an element or a double-quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}
