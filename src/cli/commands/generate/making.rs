//! Weights on their device with the data that they are used on.

use std::path::PathBuf;

use super::{
    args::GenerateArgs,
    output::{GeneratedFrom, GenerationRecord},
    source::Source,
};
use crate::{
    build_identity::BUILD,
    cli::{Failure, places::packs, progress::data_watch},
    experiment::{GENERATED, required},
};
use reprise_base::config::protocol::{EvaluationRequest, Protocol};
use reprise_data::{self as data, Pack};
use reprise_torch::{libtorch, train::Trained};

/// Weights on their device with the data that they are used on.
pub(super) struct Making<'a> {
    pub(super) source: &'a Source,
    pub(super) pack: Pack,
    /// What was asked for.
    pub(super) protocol: Protocol,
    device: tch::Device,
}

impl<'a> Making<'a> {
    /// Opens data set and device.
    pub(super) fn open(source: &'a Source, request: &EvaluationRequest) -> Result<Self, Failure> {
        let spec = &source.spec;
        // A request that names another data set may not fit the system.
        let protocol = resolve(request, source)?;
        let dataset = request.dataset(spec);
        let pack = data::open(dataset, required(request, spec), &packs()?, &mut data_watch())?;
        let device = libtorch::prepare(&spec.engine)?.device;
        Ok(Self { source, pack, protocol, device })
    }

    pub(super) const fn trained(&self) -> Trained<'_> {
        let Self { source, device, .. } = self;
        Trained { spec: &source.spec, tensors: source.tensors.as_slice(), device: *device }
    }

    /// Returns the folder to write.
    pub(super) fn folder(&self, args: &GenerateArgs) -> PathBuf {
        let own = || PathBuf::from(GENERATED).join(self.source.short_name());
        args.out.clone().unwrap_or_else(own)
    }

    /// Returns the record of what is made, without rows, columns and files.
    pub(super) fn record(&self, args: &GenerateArgs, protocols: &[Protocol]) -> GenerationRecord {
        GenerationRecord {
            data: Some(GeneratedFrom {
                name: self.pack.name().to_owned(),
                sha256: self.pack.payload_sha256().to_owned(),
            }),
            protocols: protocols.to_vec(),
            seed: self.protocol.seed,
            ..GenerationRecord::of(
                self.source,
                args.command(self.source.id()),
                BUILD.sources_sha256,
            )
        }
    }
}

/// Returns the protocol of a request for the weights.
///
/// # Errors
/// If their system cannot do this.
pub(super) fn resolve(request: &EvaluationRequest, source: &Source) -> Result<Protocol, Failure> {
    request.resolve(&source.spec).map_err(|problem| Failure::Usage {
        message: format!("failed to generate from {}: {problem}", source.title()),
        hint: "change the request with `--set KEY=VALUE`; see `reprise generate --help`",
    })
}
