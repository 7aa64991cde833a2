//! `reprise golden`: checks ports against their reference cases.

use std::{
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use super::engine;
use crate::cli::{
    Failure,
    args::{FormatArgs, OutputFormat},
    output::{print, print_json, tell},
};
use reprise_base::{config::engine::Device, fs, scalar::Count, text::count};
use reprise_golden::{
    self as golden, Case, CaseDir, CaseError, CasePort, CaseReport, CaseVerdict, Check, Exceptions,
    ExternalPort, Filter, Outputs, ParityReport, Precision,
};
use reprise_ports::{self as ports};

/// Arguments of `reprise golden`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise golden check                          all cases of the project
  reprise golden check --system cvae --f64      one system, in double precision
  reprise golden explain cvae/small_train_step  where our results differ from the original's
  reprise golden check --command 'python3 my_port.py' --system cells

A reference case is a folder SYSTEM/CASE with inputs and with the outputs that an original
implementation computed from them. METHODOLOGY.md explains the verdicts.")]
pub struct GoldenArgs {
    #[command(subcommand)]
    command: GoldenCommand,
}

#[derive(Debug, Subcommand)]
enum GoldenCommand {
    /// Run cases and report pass or fail for each
    Check(GoldenCheckArgs),
    /// Show all outputs of a case in data-flow order, and details of the first divergent one
    Explain(ExplainArgs),
    /// Run a case and write all its outputs to a file
    Run(RunArgs),
    /// Compare our port with another program, bit for bit
    Parity(ParityArgs),
}

/// Which cases, and in which precision.
#[derive(Debug, Args)]
struct Selection {
    /// Folder with the SYSTEM/CASE folders
    #[arg(long, value_name = "DIR", default_value = "golden")]
    cases: PathBuf,
    /// Only this system; `*` and `?` are wildcards
    #[arg(long, value_name = "SYSTEM", default_value = "*")]
    system: String,
    /// Only cases with this name; `*` and `?` are wildcards
    #[arg(long, value_name = "GLOB", default_value = "*")]
    case: String,
    #[command(flatten)]
    arithmetic: ArithmeticArgs,
}

/// One case.
#[derive(Debug, Args)]
struct OneCase {
    /// SYSTEM/CASE, the name of a case, or its folder
    #[arg(value_name = "CASE")]
    case: String,
    /// Folder with the SYSTEM/CASE folders
    #[arg(long, value_name = "DIR", default_value = "golden")]
    cases: PathBuf,
    #[command(flatten)]
    arithmetic: ArithmeticArgs,
}

/// How our ports compute.
#[derive(Debug, Args)]
struct ArithmeticArgs {
    /// Compute in f64 and compare with the original's f64 run, a stricter check
    #[arg(long)]
    f64: bool,
    /// Threads of libtorch; this number changes the order of sums, and so the last bits
    #[arg(long, value_name = "N", default_value_t = Count::literal(1))]
    threads: Count,
    /// Device of our ports: auto, cpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value_t = Device::Cpu)]
    device: Device,
}

/// A program of any language in place of our port.
#[derive(Debug, Args)]
struct Program {
    /// Time limit for the program of `--command`, per case
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

The exit code is 1 if a case fails or is invalid. The file `exceptions.toml` in the folder of
`--cases` lists the known differences, each with a reason and a size.

With --command, the shell runs `COMMAND CASE_DIR OUTPUT_FILE` with REPRISE_PRECISION set to `f32`
or `f64`. The program must write every output of the case, in full and under its name, to
OUTPUT_FILE in the safetensors format.")]
struct GoldenCheckArgs {
    #[command(flatten)]
    selection: Selection,
    /// Check this program instead of our ports
    #[arg(long, value_name = "CMD")]
    command: Option<String>,
    #[command(flatten)]
    program: Program,
    /// Cases to run in parallel [default: one per core, at most 4]
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

Columns:
  ratio        error / tolerance
  error        largest error / largest value
  rel. L2      relative L2 error
  contributed  the module's own error when it is fed the reference's input (any remainder comes
               from earlier modules)
  ulps         number of elements at each distance in ULPs, as DISTANCE:COUNT")]
struct ExplainArgs {
    #[command(flatten)]
    one: OneCase,
}

/// Arguments of `reprise golden run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  reprise golden run cvae/vgg_encoder_eval outputs.safetensors

The file has the safetensors format. In Python, read it with `safetensors.numpy.load_file`.")]
struct RunArgs {
    #[command(flatten)]
    one: OneCase,
    /// File to write
    #[arg(value_name = "OUT")]
    out: PathBuf,
}

/// Arguments of `reprise golden parity`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  reprise golden parity --system cvae --command 'python3 golden/generate/cvae.py'

`./just parity cvae` compares our port with PyTorch on this machine. Cases without stored outputs
can be compared too. The exit code is 1 unless all outputs are bit-equal.")]
struct ParityArgs {
    #[command(flatten)]
    selection: Selection,
    /// The other program, run as in `golden check --command`
    #[arg(long, value_name = "CMD")]
    command: String,
    #[command(flatten)]
    program: Program,
    #[command(flatten)]
    format: FormatArgs,
}

/// Carries out `reprise golden`.
pub fn run(args: GoldenArgs) -> Result<(), Failure> {
    match args.command {
        GoldenCommand::Check(args) => check(&args),
        GoldenCommand::Explain(args) => explain(&args),
        GoldenCommand::Run(args) => compute(&args),
        GoldenCommand::Parity(args) => parity(&args),
    }
}

fn check(args: &GoldenCheckArgs) -> Result<(), Failure> {
    let dirs = args.selection.find()?;
    let ports = match &args.command {
        Some(command) => vec![args.program.port(command)],
        None => args.selection.arithmetic.ports()?,
    };
    let exceptions = exceptions(&args.selection.cases)?;
    let precision = args.selection.arithmetic.precision();
    let jobs = args.jobs.unwrap_or_else(default_jobs);
    let watch = CheckProgress::new(dirs.len());
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
    let failed = report.cases.iter().filter(|case| case.verdict != CaseVerdict::Pass).count();
    let stale = report.stale_exceptions.len();
    Err(Failure::Check(match (failed, stale) {
        (0, stale) => count(stale, "stale known difference"),
        (failed, _) => format!("{failed} of {} did not pass", count(dirs.len(), "case")),
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
            tell(&format!("the column `contributed` is empty: {reason}"));
            Outputs::new()
        })
    };
    print(&golden::explain(&case, &report, &isolated, precision))?;
    match report.verdict {
        CaseVerdict::Pass => Ok(()),
        CaseVerdict::Fail | CaseVerdict::Invalid => {
            Err(Failure::Check(format!("{} did not pass", case.id())))
        }
    }
}

fn compute(args: &RunArgs) -> Result<(), Failure> {
    let case = args.one.find(Case::load_without_outputs)?;
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
        let case = Case::load_without_outputs(&dir.path).map_err(Failure::Case)?;
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
    let different = reports.iter().filter(|report| !report.holds()).count();
    if different == 0 {
        return Ok(());
    }
    Err(Failure::Check(format!(
        "{different} of {} are not bit-equal",
        count(reports.len(), "case")
    )))
}

fn parity_line(report: &ParityReport) -> String {
    let ParityReport { system, case, outputs, equal, elements, first_different, farthest, reason } =
        report;
    let found = match (reason, first_different, farthest) {
        (Some(reason), ..) => reason.clone(),
        (None, Some(first), Some(farthest)) => format!(
            "{equal} of {outputs} outputs are bit-equal; first different: `{}` ({} elements, up to {} \
             ulp); largest difference: `{}` ({:.1e} of the largest value)",
            first.output, first.elements, first.ulps, farthest.output, farthest.relative
        ),
        _ => format!("all {outputs} outputs are bit-equal ({elements} elements)"),
    };
    format!("{system}/{case}: {found}")
}

/// Lists cases; a folder that does not exist has none.
fn discover(folder: &Path, filter: &Filter) -> Result<Vec<CaseDir>, Failure> {
    match golden::discover(folder, filter) {
        Err(error) if error.is_not_found() => Ok(Vec::new()),
        found => Ok(found?),
    }
}

impl Selection {
    /// Lists the selected cases; none is an error.
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

    /// Sets up libtorch and returns our ports.
    fn ports(&self) -> Result<Vec<Box<dyn CasePort>>, Failure> {
        Ok(ports::all(engine::prepare(self.threads, self.device)?))
    }
}

impl Program {
    fn port(&self, command: &str) -> Box<dyn CasePort> {
        Box::new(ExternalPort::new(command, Duration::from_secs(self.timeout)))
    }
}

fn port_of<'a>(ports: &'a [Box<dyn CasePort>], case: &Case) -> Result<&'a dyn CasePort, Failure> {
    let port = ports.iter().find(|port| port.serves(&case.system));
    port.map(AsRef::as_ref).ok_or_else(|| Failure::Usage {
        message: format!("failed to run {}: there is no port for its system", case.id()),
        hint: "use `golden check --command` to check another program",
    })
}

impl OneCase {
    /// Reads the case given by a folder, SYSTEM/CASE, or a unique name.
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
                message: format!("ambiguous case: {} are called `{name}`", several.len()),
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

/// At most 4, since a case may need several GB in double precision.
fn default_jobs() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get().min(4))
}

/// The progress of a check: a bar on a terminal, a line per ten cases elsewhere.
struct CheckProgress {
    bar: ProgressBar,
    done: AtomicUsize,
    total: usize,
}

impl CheckProgress {
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
