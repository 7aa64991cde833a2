//! The data sets of the runs: what was understood of each, and its first sequences.

use std::collections::BTreeMap;

use crate::{
    document::{Column, Figure, FigureContent, FigureLayout, PageBlock, PageTable, RichText, Row},
    sweep_results::SweepResults,
    words::split_sizes,
};
use reprise_data::Fact;
use reprise_store::store::record::DataRecord;

/// Digits of a digest in the name of a file.
const DIGEST_DIGITS: usize = 12;

/// Returns the section; empty if nothing but the sizes is known of the data.
pub(super) fn blocks(results: &SweepResults<'_>) -> Vec<PageBlock> {
    let records = results.records().map(|record| &record.data);
    let sets: BTreeMap<&str, &DataRecord> =
        records.map(|data| (data.pack_sha256.as_str(), data)).collect();
    let mut blocks: Vec<PageBlock> = Vec::new();
    for (digest, data) in sets {
        blocks.extend(facts(data));
        let sheet = results.input.sheets.get(digest);
        blocks.extend(sheet.and_then(|png| figure(digest, data, png)));
    }
    if !blocks.is_empty() {
        blocks.insert(0, PageBlock::Heading("Data".to_owned()));
    }
    blocks
}

fn facts(data: &DataRecord) -> Option<PageBlock> {
    let row = |Fact { subject, text }: &Fact| {
        Row::new(vec![subject.as_str().into(), RichText::default().recorded(text)])
    };
    let rows: Vec<Row> = data.facts.iter().map(row).collect();
    (!rows.is_empty()).then(|| {
        PageBlock::Table(PageTable {
            caption: RichText::from("What the reader of ")
                .code(data.name.as_str())
                .plain(" understood."),
            columns: vec![Column::words("Subject"), Column::words("Understood")],
            rows,
        })
    })
}

/// Returns the contact sheet; none if the file is damaged.
fn figure(digest: &str, data: &DataRecord, png: &[u8]) -> Option<PageBlock> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
    let width = decoder.read_header_info().ok()?.width;
    let rows = if data.frames == 1 {
        "Each square is an image"
    } else {
        "Each row is a sequence, with frames at equal distances from its first to its last"
    };
    let caption = RichText::from("The first examples of ").code(data.name.as_str()).plain(format!(
        " ({}) as the models see them. {rows}. The training, validation and test splits follow each \
         other from top to bottom, with a wider gap between them.",
        split_sizes(data)
    ));
    let figure = Figure {
        path: format!("data/{}.png", digest.get(..DIGEST_DIGITS).unwrap_or(digest)),
        content: FigureContent::Png { bytes: png.to_vec(), width },
        alt: format!("first examples of {}", data.name),
        caption,
    };
    Some(PageBlock::Figures { figures: vec![figure], layout: FigureLayout::Wide })
}

#[cfg(test)]
mod tests {
    use crate::{build, fixture, input::RunState};
    use reprise_data::png_file::smallest_png;

    #[test]
    fn a_data_set_is_shown_once_with_what_was_understood() {
        let mut input = fixture::sweep();
        let sheet = smallest_png(&[7; 12], [2, 2], png::ColorType::Rgb).expect("a small image");
        for run in &mut input.runs {
            let RunState::Finished { record, .. } = &mut run.state else { panic!("all finished") };
            let fact = serde_json::json!({"subject": "categories", "text": "`walk`, `run`"});
            record.data.facts = vec![serde_json::from_value(fact).expect("a fact")];
            input.sheets.insert(record.data.pack_sha256.clone(), sheet.clone());
        }
        let report = build(&input).expect("the report can be built");
        let page = &report.files["report.md".as_ref() as &std::path::Path];
        let page = String::from_utf8_lossy(page);
        assert!(page.contains("| categories | `walk`, `run` |"), "{page}");
        assert_eq!(page.matches("![first examples of sawyer_push](data/").count(), 1, "{page}");
        assert!(report.files.values().any(|file| *file == sheet));
    }

    #[test]
    fn runs_without_facts_and_sheets_have_no_section_on_data() {
        let report = build(&fixture::sweep()).expect("the report can be built");
        let page = &report.files["report.md".as_ref() as &std::path::Path];
        assert!(!String::from_utf8_lossy(page).contains("## Data"));
    }
}
