//! `reprise settings`: every setting with type, range, default and meaning.

use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::{
    cli::{
        Failure,
        output::{print, print_json},
    },
    config::{
        reference::{Setting, SettingChoice, SettingKind, settings, settings_below},
        sweep::file_schema,
    },
};

/// Columns of the text output.
const WIDTH: usize = 100;

/// Arguments of `reprise settings`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise settings                           all settings
  reprise settings training                  the settings of one table
  reprise settings model.cvae.kl_weight      one setting and its choices
  reprise settings --format json             for scripts

Settings are written in the tables `[run]` and `set` of a sweep file, or as `--set KEY=VALUE`.
`docs/settings.md` contains the same text, `experiments/sweep.schema.json` the schema for editors.")]
pub struct SettingsArgs {
    /// Key of a setting, or of a table of settings; all settings if omitted
    #[arg(value_name = "KEY")]
    key: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t = SettingsFormat::Text)]
    format: SettingsFormat,
}

/// A form in which settings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SettingsFormat {
    /// Text for the terminal
    Text,
    /// One JSON array
    Json,
    /// The Markdown page `docs/settings.md`
    Markdown,
    /// The JSON schema of whole sweep files, for editors
    Schema,
}

/// Prints the settings at or below a key.
pub fn run(args: &SettingsArgs) -> Result<(), Failure> {
    let settings = match &args.key {
        Some(key) => settings_below(key)?,
        None => settings(),
    };
    match args.format {
        SettingsFormat::Text => print(&settings.iter().map(text).collect::<Vec<_>>().join("\n")),
        SettingsFormat::Json => print_json(&settings),
        SettingsFormat::Markdown => print(&page(&settings)),
        SettingsFormat::Schema => print_json(&file_schema()),
    }
}

fn text(setting: &Setting) -> String {
    let mut text = format!("{}\n{}", setting.key, wrapped(&type_and_default(setting), 4));
    for paragraph in setting.meaning.split("\n\n") {
        text += &wrapped(paragraph, 4);
    }
    for choice in &setting.choices {
        text += &wrapped(&format!("{}: {}", written(choice), choice.meaning), 6);
    }
    text
}

/// Returns e.g. ``integer in [1, 2147483647], default `200` ``.
fn type_and_default(setting: &Setting) -> String {
    let kind = match setting.kind {
        SettingKind::Table => "table",
        SettingKind::Choice => "choice",
        SettingKind::Integer => "integer",
        SettingKind::Number => "number",
        SettingKind::String => "string",
        SettingKind::Array => "array of strings",
    };
    let range = setting.range.as_ref().map_or_else(String::new, |range| format!(" in {range}"));
    let default = match &setting.default {
        Some(default) => format!(", default `{}`", toml(default)),
        None if setting.required => ", required".to_owned(),
        None => String::new(),
    };
    format!("{kind}{range}{default}")
}

/// Returns a choice as a sweep file spells it.
fn written(choice: &SettingChoice) -> String {
    let name = &choice.name;
    if choice.has_settings { format!("{name} = ...") } else { format!("\"{name}\"") }
}

/// Breaks a paragraph into lines that are indented by some columns.
fn wrapped(paragraph: &str, indent: usize) -> String {
    let mut lines = vec![String::new()];
    for word in paragraph.split_whitespace() {
        let line = lines.last_mut().expect("there is a line");
        if line.is_empty() {
            line.push_str(word);
        } else if indent + line.chars().count() + 1 + word.chars().count() <= WIDTH {
            line.extend([" ", word]);
        } else {
            lines.push(word.to_owned());
        }
    }
    let margin = " ".repeat(indent);
    lines.iter().flat_map(|line| [margin.as_str(), line, "\n"]).collect()
}

/// Writes a value as an inline TOML value.
fn toml(value: &Value) -> String {
    match value {
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let entries = map.iter().map(|(key, value)| format!("{key} = {}", toml(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// Returns the Markdown page of the settings.
fn page(settings: &[Setting]) -> String {
    let entries: Vec<String> = settings.iter().map(entry).collect();
    format!(
        "<!-- Generated: `reprise settings --format markdown > docs/settings.md` -->\n\n\
         # Settings\n\n\
         Every key that `[run]` and `set` of a sweep file and `--set KEY=VALUE` accept. In the \
         terminal, `reprise settings KEY`\nprints the same. Names in parentheses are the argument \
         names of the originals.\n\n{}",
        entries.join("\n")
    )
}

fn entry(setting: &Setting) -> String {
    let is_head = setting.kind == SettingKind::Table && setting.key.matches('.').count() < 2;
    let level = if is_head || !setting.key.contains('.') { "##" } else { "###" };
    let item = |choice| format!("- `{}`: {}\n", written(choice), choice.meaning);
    let choices: Vec<String> = setting.choices.iter().map(item).collect();
    format!(
        "{level} `{}`\n\nType: {}.\n\n{}\n{}{}",
        setting.key,
        type_and_default(setting),
        setting.meaning,
        if choices.is_empty() { "" } else { "\n" },
        choices.concat(),
    )
}
