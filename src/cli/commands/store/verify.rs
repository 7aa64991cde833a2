//! `reprise store verify`: checks every file of a store against its digests.

use clap::Args;

use crate::cli::{
    Failure,
    args::{FormatArgs, OutputFormat, StoreArgs},
    output::{print, print_json, tell},
};
use reprise_base::text::count;
use reprise_store::store::{
    Store,
    verify::{Damage, Verification, verify},
};

/// Arguments of `reprise store verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise store verify
  reprise store verify --store other --format json

A record contains its own digest and those of the files of its run; a checkpoint contains the
digest of the journal before it. A file that was damaged, edited or replaced is listed with what
is unaffected and what to do about it. The exit code is 1 if there is one. Superseded attempts are
not checked.

Somebody who recomputes every digest can still forge a result. To believe a record of somebody else,
repeat the run.")]
pub struct VerifyArgs {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// Prints what is damaged; fails if anything is.
pub fn run(args: &VerifyArgs) -> Result<(), Failure> {
    let store = Store::open(&args.store.store)?;
    let found = verify(&store)?;
    match args.format.format {
        OutputFormat::Json => print_json(&found)?,
        OutputFormat::Text => print(&text(&found))?,
    }
    if found.unsealed > 0 {
        tell(&format!(
            "{} written by an older version of reprise, whose records have no digest of their own",
            match found.unsealed {
                1 => "1 record was".to_owned(),
                several => format!("{several} records were"),
            }
        ));
    }
    match found.damages.len() {
        0 => Ok(()),
        damaged => Err(Failure::Check(format!("{} damaged", are(damaged, "file")))),
    }
}

/// Writes a number with its noun and verb: "1 file is".
fn are(number: usize, noun: &str) -> String {
    format!("{} {}", count(number, noun), if number == 1 { "is" } else { "are" })
}

fn text(found: &Verification) -> String {
    let damage = |Damage { file, what, intact, remedy }: &Damage| {
        let file = file.display();
        format!("{file}\n  {what}\n  intact: {intact}\n  remedy: {remedy}\n\n")
    };
    let damages: String = found.damages.iter().map(damage).collect();
    let whole = found.files - found.damages.len().min(found.files);
    format!(
        "{damages}{}: {} intact, {} damaged\n",
        count(found.runs, "run"),
        count(whole, "file"),
        found.damages.len()
    )
}
