//! The weights to generate from: a run's or imported ones.

use super::args::{GenerateArgs, ImportedArgs};
use crate::cli::{Failure, commands::checkpoint, places};
use reprise_base::{
    config::{
        RunSpec,
        protocol::{CheckpointKind, EvaluationRequest},
        sweep::{SweepRun, parse},
        weights::WeightsId,
    },
    fs,
    text::quoted_list,
};
use reprise_store::store::{RunFile, Store, record::RunId, tensors::StoredTensor};

/// Weights with the settings of their model.
pub(super) struct Source {
    pub spec: RunSpec,
    pub tensors: Vec<StoredTensor>,
    /// SHA-256 of the file of a run's weights; the id of imported ones.
    pub weights: String,
    /// The run, unless the weights are imported.
    pub run: Option<RunId>,
}

impl Source {
    /// Reads the weights that the arguments name.
    ///
    /// # Errors
    /// If there are none, or they have no settings.
    pub(super) fn open(args: &GenerateArgs, request: &EvaluationRequest) -> Result<Self, Failure> {
        let store = Store::open(&args.store.store)?;
        match (&args.imported.sweep, args.target.parse::<WeightsId>()) {
            (Some(sweep), Ok(id)) => Self::imported(&store, &id, sweep, &args.imported),
            (Some(_), Err(_)) => Err(Failure::Usage {
                message: format!("`{}` is not the id of imported weights", args.target),
                hint: "name the 64 digits that `reprise import` printed; a run needs no `--sweep`",
            }),
            (None, Ok(_)) => Err(Failure::Usage {
                message: "failed to generate: imported weights do not say which model they are of"
                    .to_owned(),
                hint: "name a sweep file that has the settings of the model: `--sweep NAME`",
            }),
            (None, Err(_)) => {
                let kind = request.checkpoint.unwrap_or(CheckpointKind::Best);
                Self::of_run(&store, &args.target, kind)
            }
        }
    }

    fn of_run(store: &Store, run: &str, kind: CheckpointKind) -> Result<Self, Failure> {
        let dir = store.find(run)?;
        let (tensors, _) = checkpoint::read(&dir, kind, "generate from")?;
        let (weights, _) = fs::sha256_file(&dir.path(RunFile::of(kind)))?;
        Ok(Self { spec: dir.spec()?, tensors, weights, run: Some(dir.id().clone()) })
    }

    fn imported(
        store: &Store,
        id: &WeightsId,
        sweep: &str,
        args: &ImportedArgs,
    ) -> Result<Self, Failure> {
        let parsed = parse(&places::sweep_source(sweep)?, args.preset.as_deref(), &[])?;
        let arms = parsed.arms();
        let find = |label: &String| arms.iter().find(|run| run.arm == *label);
        let found = args.arm.as_ref().map_or(arms.first(), find);
        let Some(SweepRun { spec, .. }) = found else {
            let labels: Vec<String> = arms.iter().map(|run| run.arm.clone()).collect();
            return Err(Failure::Usage {
                message: format!("`{sweep}` has no such arm; it has {}", quoted_list(&labels)),
                hint: "choose one of them with `--arm LABEL`",
            });
        };
        let tensors = store.read_weights(id)?;
        Ok(Self { spec: spec.clone(), tensors, weights: id.as_str().to_owned(), run: None })
    }

    /// Returns a name for folders.
    pub(super) fn short_name(&self) -> &str {
        self.run.as_ref().map_or(&self.weights[..16], RunId::as_str)
    }

    /// Returns the full id of the run or of the weights.
    pub(super) fn id(&self) -> &str {
        self.run.as_ref().map_or(&self.weights, RunId::as_str)
    }

    /// Returns a name for messages.
    pub(super) fn title(&self) -> String {
        match &self.run {
            Some(run) => format!("run {run}"),
            None => format!("weights {}", self.short_name()),
        }
    }
}
