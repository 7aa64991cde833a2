//! `reprise golden`: ports held to what the originals computed.

use std::{
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use super::engine;
use crate::{
    cli::{
        Failure,
        args::{FormatArgs, OutputFormat},
        output::{print, print_json, tell},
    },
    fs,
    golden::{
        self, Case, CaseDir, CaseError, CaseReport, Check, Exceptions, ExternalPort, Filter,
        Outputs, ParityReport, Port, Precision, Verdict,
    },
    ports,
    scalar::Count,
    text::count,
};

/// Arguments of `reprise golden`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise golden check                          all cases of the project
  reprise golden check --system cvae --f64      one system, in double precision
  reprise golden explain cvae/small_train_step  where a case parts from the original
  reprise golden check --command 'python3 my_port.py' --system cells

A case is a folder SYSTEM/CASE that an original implementation filled once: inputs by a recipe,
outputs by its own arithmetic. METHODOLOGY.md says what a verdict means.")]
pub struct GoldenArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run cases and say of each whether the port holds
    Check(CheckArgs),
    /// Show all outputs of a case in data-flow order, the first divergent one on top
    Explain(ExplainArgs),
    /// Compute a case and write every output in full
    Run(RunArgs),
    /// Hold our port and another program to each other, bit for bit
    Parity(ParityArgs),
}

/// Which cases, and in which precision.
#[derive(Debug, Args)]
struct Selection {
    /// Folder that holds SYSTEM/CASE folders
    #[arg(long, value_name = "DIR", default_value = "golden")]
    cases: PathBuf,
    /// Only this system; `*` and `?` are wildcards
    #[arg(long, value_name = "SYSTEM", default_value = "*")]
    system: String,
    /// Only cases of this name; `*` and `?` are wildcards
    #[arg(long, value_name = "GLOB", default_value = "*")]
    case: String,
    #[command(flatten)]
    arithmetic: ArithmeticArgs,
}

/// One case.
#[derive(Debug, Args)]
struct OneCase {
    /// SYSTEM/CASE, a case's name, or a case's folder
    #[arg(value_name = "CASE")]
    case: String,
    /// Folder that holds SYSTEM/CASE folders
    #[arg(long, value_name = "DIR", default_value = "golden")]
    cases: PathBuf,
    #[command(flatten)]
    arithmetic: ArithmeticArgs,
}

/// How our ports compute.
#[derive(Debug, Args)]
struct ArithmeticArgs {
    /// Compute in double precision and compare with the original's f64 run: the strong check
    #[arg(long)]
    f64: bool,
    /// Threads of libtorch; another number takes sums in another order
    #[arg(long, value_name = "N", default_value_t = Count::literal(1))]
    threads: Count,
}

/// A program of any language in place of our port.
#[derive(Debug, Args)]
struct Program {
    /// Seconds that the command has for one case
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    timeout: u64,
}

/// Arguments of `reprise golden check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise golden check
  reprise golden check --cases my/cases --system cvae --case 'train_step_*' --f64
  reprise golden check --system cells --command 'python3 golden/generate/cells_numpy.py'
  reprise golden check --format json

The exit code is 1 if a case fails or is invalid. Known differences are listed, each with a reason
and a size, in `exceptions.toml` beside the systems.

A command is called by the shell as `COMMAND CASE_DIR OUTPUT_FILE` with REPRISE_PRECISION=f32|f64.
It writes a safetensors file with every output of the case, in full, under its name.")]
struct CheckArgs {
    #[command(flatten)]
    selection: Selection,
    /// Hold this program to the cases instead of our ports
    #[arg(long, value_name = "CMD")]
    command: Option<String>,
    #[command(flatten)]
    program: Program,
    /// Cases run beside each other [default: one a core, at most 4]
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    #[command(flatten)]
    format: FormatArgs,
}

/// Arguments of `reprise golden explain`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  reprise golden explain cvae/small_train_step --f64

Columns: error over bound; largest error over the largest value; relative L2; what the module adds
when it is fed the reference's own input (the rest is inherited); distances in units in the last
place as REACH:COUNT.")]
struct ExplainArgs {
    #[command(flatten)]
    one: OneCase,
}

/// Arguments of `reprise golden run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  reprise golden run cvae/vgg_encoder_eval outputs.safetensors

Any reader of safetensors opens the file: `safetensors.numpy.load_file` in Python.")]
struct RunArgs {
    #[command(flatten)]
    one: OneCase,
    /// The file to write
    #[arg(value_name = "OUT")]
    out: PathBuf,
}

/// Arguments of `reprise golden parity`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  reprise golden parity --system cvae --command 'python3 golden/generate/cvae.py'

`just parity cvae` does this with live PyTorch. The folders need no stored outputs. The exit code is
1 unless every bit of every output is equal.")]
struct ParityArgs {
    #[command(flatten)]
    selection: Selection,
    /// The other program, called as by `golden check --command`
    #[arg(long, value_name = "CMD")]
    command: String,
    #[command(flatten)]
    program: Program,
    #[command(flatten)]
    format: FormatArgs,
}

/// Carries out a verb of `reprise golden`.
pub fn run(args: GoldenArgs) -> Result<(), Failure> {
    match args.verb {
        Verb::Check(args) => check(&args),
        Verb::Explain(args) => explain(&args),
        Verb::Run(args) => compute(&args),
        Verb::Parity(args) => parity(&args),
    }
}

fn check(args: &CheckArgs) -> Result<(), Failure> {
    let dirs = args.selection.find()?;
    let ports = match &args.command {
        Some(command) => vec![args.program.port(command)],
        None => args.selection.arithmetic.ports()?,
    };
    let exceptions = exceptions(&args.selection.cases)?;
    let precision = args.selection.arithmetic.precision();
    let jobs = args.jobs.unwrap_or_else(default_jobs);
    let watch = Watch::new(dirs.len());
    let report =
        Check { ports: &ports, precision, exceptions: &exceptions }
            .all(&dirs, jobs, &|case| watch.done(case));
    watch.end();
    match args.format.format {
        OutputFormat::Json => print_json(&report)?,
        OutputFormat::Text => print(&golden::table(&report))?,
    }
    if report.holds() {
        return Ok(());
    }
    let broken = report.cases.iter().filter(|case| case.verdict != Verdict::Pass).count();
    let stale = report.stale_exceptions.len();
    Err(Failure::Check(match (broken, stale) {
        (0, stale) => format!("{} no longer show", count(stale, "known difference")),
        (broken, _) => format!("{} of {} do not hold", count(broken, "case"), dirs.len()),
    }))
}

fn explain(args: &ExplainArgs) -> Result<(), Failure> {
    let case = args.one.find(Case::load)?;
    let precision = args.one.arithmetic.precision();
    let ports = args.one.arithmetic.ports()?;
    let port = port_of(&ports, &case)?;
    let exceptions = exceptions(&args.one.cases)?;
    let report = Check { ports: &[], precision, exceptions: &exceptions }.case(&case, port);
    let isolated = if report.outputs.is_empty() {
        Outputs::new()
    } else {
        golden::run_isolated(&case, port, precision).unwrap_or_else(|reason| {
            tell(&format!("errors are not split into inherited and contributed: {reason}"));
            Outputs::new()
        })
    };
    print(&golden::explain(&case, &report, &isolated, precision))?;
    match report.verdict {
        Verdict::Pass => Ok(()),
        Verdict::Fail | Verdict::Invalid => {
            Err(Failure::Check(format!("{} does not hold", case.id())))
        }
    }
}

fn compute(args: &RunArgs) -> Result<(), Failure> {
    let case = args.one.find(Case::load_question)?;
    let ports = args.one.arithmetic.ports()?;
    let outputs = port_of(&ports, &case)?
        .run(&case, args.one.arithmetic.precision())
        .map_err(Failure::Port)?;
    golden::write_outputs(&args.out, &outputs)?;
    tell(&format!("wrote {} to `{}`", count(outputs.len(), "output"), args.out.display()));
    Ok(())
}

fn parity(args: &ParityArgs) -> Result<(), Failure> {
    let dirs = args.selection.find()?;
    let ports = args.selection.arithmetic.ports()?;
    let theirs = args.program.port(&args.command);
    let mut reports = Vec::new();
    for (done, dir) in (1..).zip(&dirs) {
        let case = Case::load_question(&dir.path).map_err(Failure::Case)?;
        let ours = port_of(&ports, &case)?;
        let report = golden::parity(&case, ours, &*theirs, args.selection.arithmetic.precision());
        tell(&format!("{done} of {}: {}", dirs.len(), parity_line(&report)));
        reports.push(report);
    }
    match args.format.format {
        OutputFormat::Json => print_json(&serde_json::json!({ "cases": reports }))?,
        OutputFormat::Text => {
            let lines = reports.iter().map(|report| format!("{}\n", parity_line(report)));
            print(&lines.collect::<String>())?;
        }
    }
    let apart = reports.iter().filter(|report| !report.holds()).count();
    if apart == 0 {
        return Ok(());
    }
    Err(Failure::Check(format!("{} of {} are not bit-equal", count(apart, "case"), reports.len())))
}

fn parity_line(report: &ParityReport) -> String {
    let ParityReport { system, case, outputs, equal, elements, first_different, farthest, reason } =
        report;
    let found = match (reason, first_different, farthest) {
        (Some(reason), ..) => reason.clone(),
        (None, Some(first), Some(farthest)) => format!(
            "{equal} of {outputs} outputs are bit-equal; first different `{}` ({} elements, up to {} \
             ulp), farthest `{}` ({:.1e} of the largest value)",
            first.output, first.elements, first.ulps, farthest.output, farthest.relative
        ),
        _ => format!("bit-equal, {outputs} outputs, {elements} elements"),
    };
    format!("{system}/{case}: {found}")
}

/// Lists cases; a folder that is not there has none.
fn discover(folder: &Path, filter: &Filter) -> Result<Vec<CaseDir>, Failure> {
    match golden::discover(folder, filter) {
        Err(error) if error.is_not_found() => Ok(Vec::new()),
        found => Ok(found?),
    }
}

impl Selection {
    /// Lists the selected cases; none at all is a mistake.
    fn find(&self) -> Result<Vec<CaseDir>, Failure> {
        let filter = Filter { system: self.system.clone(), case: self.case.clone() };
        let dirs = discover(&self.cases, &filter)?;
        if dirs.is_empty() {
            let mut systems: Vec<String> =
                discover(&self.cases, &Filter::all())?.into_iter().map(|dir| dir.system).collect();
            systems.dedup();
            return Err(Failure::NoCases {
                pattern: format!("{}/{}", self.system, self.case),
                folder: self.cases.clone(),
                systems,
            });
        }
        Ok(dirs)
    }
}

impl ArithmeticArgs {
    const fn precision(&self) -> Precision {
        if self.f64 { Precision::F64 } else { Precision::F32 }
    }

    /// Sets libtorch up and returns our ports.
    fn ports(&self) -> Result<Vec<Box<dyn Port>>, Failure> {
        engine::prepare(self.threads)?;
        Ok(ports::all())
    }
}

impl Program {
    fn port(&self, command: &str) -> Box<dyn Port> {
        Box::new(ExternalPort::new(command, Duration::from_secs(self.timeout)))
    }
}

fn port_of<'a>(ports: &'a [Box<dyn Port>], case: &Case) -> Result<&'a dyn Port, Failure> {
    let port = ports.iter().find(|port| port.serves(&case.system));
    port.map(AsRef::as_ref).ok_or_else(|| Failure::Usage {
        message: format!("failed to run {}: this program has no port of its system", case.id()),
        hint: "`golden check --command` holds another program to it",
    })
}

impl OneCase {
    /// Reads the case that is meant: a folder, SYSTEM/CASE, or the name of one case.
    fn find(&self, load: fn(&Path) -> Result<Case, CaseError>) -> Result<Case, Failure> {
        let Self { case: name, cases, .. } = self;
        let load = |path: &Path| load(path).map_err(Failure::Case);
        for path in [PathBuf::from(name), cases.join(name)] {
            if fs::kind(&path.join("case.toml"))?.is_some() {
                return load(&path);
            }
        }
        let all = discover(cases, &Filter::all())?;
        match all.iter().filter(|dir| dir.case == *name).collect::<Vec<_>>().as_slice() {
            [one] => load(&one.path),
            [] => Err(Failure::NoSuchCase {
                name: name.clone(),
                known: all.iter().map(|dir| format!("{}/{}", dir.system, dir.case)).collect(),
            }),
            several => Err(Failure::Usage {
                message: format!("failed to choose: {} are called `{name}`", several.len()),
                hint: "write SYSTEM/CASE",
            }),
        }
    }
}

fn exceptions(cases: &Path) -> Result<Exceptions, Failure> {
    let path = cases.join("exceptions.toml");
    if fs::kind(&path)?.is_none() {
        return Ok(Exceptions::default());
    }
    Exceptions::load(&path).map_err(Failure::Exceptions)
}

/// A case takes up to some GB in double precision, so not every core of a large machine gets one.
fn default_jobs() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get().min(4))
}

/// Says how far a check is: a bar on a terminal, nothing elsewhere.
struct Watch {
    bar: ProgressBar,
    done: AtomicUsize,
    total: usize,
}

impl Watch {
    fn new(total: usize) -> Self {
        let bar = if io::stderr().is_terminal() {
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {wide_msg}");
            ProgressBar::new(total as u64).with_style(style.expect("the template is valid"))
        } else {
            ProgressBar::hidden()
        };
        Self { bar, done: AtomicUsize::new(0), total }
    }

    fn done(&self, case: &CaseReport) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        self.bar.set_message(format!("{}/{}", case.system, case.case));
        self.bar.inc(1);
        if self.bar.is_hidden() && (done.is_multiple_of(10) || done == self.total) {
            tell(&format!("golden: {done} of {} cases", self.total));
        }
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }
}
