//! Feature networks: modules of TorchScript that the user gives, in whose features pictures are compared.
//!
//! `docs/feature-networks.md` defines what they take and return. They run in f32, in evaluation mode and without the
//! graph executor's optimizations, which would change the arithmetic after the first calls.

use std::path::PathBuf;

use tch::{CModule, Device, IValue, Kind, TchError, Tensor, jit};

use crate::{libtorch::convert::to_host, train::batch::size};
use reprise_base::{
    config::feature_network::{FeatureNetworks, NetworkDigest, NetworkFile},
    fs::{self, FsError, sha256_hex},
    metrics::lpips::{LayerFeatures, layer_distance},
    vocabulary::MetricName,
};

/// A larger file is refused.
const FILE_BYTES_MAX: u64 = 1 << 32;
/// Frames that LPIPS' network takes at a time.
const FRAMES_MAX: usize = 32;
/// Videos that FVD's network takes at a time.
const VIDEOS_MAX: usize = 4;

/// Why a feature network cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    #[error(transparent)]
    Read(#[from] FsError),
    /// The file is not the one that was asked for.
    #[error("feature network `{file}` has SHA-256 {found}, expected {expected}")]
    Changed { file: PathBuf, expected: NetworkDigest, found: NetworkDigest },
    #[error("failed to read `{file}` as TorchScript: {why}")]
    Load { file: PathBuf, why: String },
    #[error("feature network `{file}` rejects an input of shape {shape:?}: {why}")]
    Forward { file: PathBuf, shape: Vec<i64>, why: String },
    /// The output has another form.
    #[error("feature network `{file}` returns {found}, expected {expected}")]
    Output { file: PathBuf, expected: &'static str, found: String },
}

impl NetworkError {
    /// Returns what the user can do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Read(_) => {
                "a feature network is a file of TorchScript, see docs/feature-networks.md"
            }
            Self::Changed { .. } => "give the file that was used before, or remove `sha256`",
            Self::Load { .. } | Self::Forward { .. } | Self::Output { .. } => {
                "docs/feature-networks.md defines inputs and outputs, and shows how to export a network"
            }
        }
    }
}

/// A module with its file.
struct Module {
    script: CModule,
    file: PathBuf,
    digest: NetworkDigest,
    device: Device,
}

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Module").field(&self.file).field(&self.digest).finish()
    }
}

/// Returns libtorch's reason for an error: its message ends with a trace of addresses, and that of a script begins with
/// one of the script.
fn reason(error: &TchError) -> String {
    let text = error.to_string();
    let lines =
        text.lines().map(str::trim).take_while(|line| !line.starts_with("Exception raised"));
    let said = lines.filter(|line| !line.is_empty()).last().unwrap_or_default();
    said.trim_start_matches("RuntimeError: ").to_owned()
}

/// Reads a feature network and returns its digest.
///
/// # Errors
/// If the file cannot be read, is not the expected one, or is not TorchScript.
pub fn identify(network: &NetworkFile) -> Result<NetworkDigest, NetworkError> {
    Ok(Module::load(network, Device::Cpu)?.digest)
}

fn check(network: &NetworkFile, found: NetworkDigest) -> Result<NetworkDigest, NetworkError> {
    match network.sha256 {
        Some(expected) if expected != found => {
            Err(NetworkError::Changed { file: network.file.clone(), expected, found })
        }
        _ => Ok(found),
    }
}

impl Module {
    fn load(network: &NetworkFile, device: Device) -> Result<Self, NetworkError> {
        let file = network.file.clone();
        let bytes = fs::read(&file, FILE_BYTES_MAX)?;
        let digest = sha256_hex(&bytes).parse().expect("a SHA-256 has 64 digits");
        let digest = check(network, digest)?;
        let loaded = CModule::load_data_on_device(&mut bytes.as_slice(), device);
        let load = |error| NetworkError::Load { file: file.clone(), why: reason(&error) };
        let mut module = loaded.map_err(load)?;
        module.f_set_eval().map_err(load)?;
        Ok(Self { script: module, file, digest, device })
    }

    fn forward(&self, input: &Tensor) -> Result<IValue, NetworkError> {
        jit::set_graph_executor_optimize(false);
        let input = input.to_device(self.device);
        let shape = input.size();
        let output = tch::no_grad(|| self.script.forward_is(&[IValue::Tensor(input)]));
        output.map_err(|error| NetworkError::Forward {
            file: self.file.clone(),
            shape,
            why: reason(&error),
        })
    }

    fn refuse(&self, expected: &'static str, found: String) -> NetworkError {
        NetworkError::Output { file: self.file.clone(), expected, found }
    }
}

/// Maps pictures `[N, C, …]` with 1 or 3 channels and pixels in [0, 1] to RGB in [−1, 1].
fn signed_rgb(pictures: &Tensor) -> Tensor {
    let signed = pictures.to_kind(Kind::Float) * 2.0 - 1.0;
    let mut shape = signed.size();
    shape[1] = 3;
    signed.expand(shape, false).contiguous()
}

/// The network of LPIPS.
#[derive(Debug)]
pub struct Lpips(Module);

/// The features of some frames in the host's memory, with the heads of the layers.
#[derive(Debug)]
pub struct FrameFeatures {
    frames: usize,
    layers: Vec<FeatureLayer>,
}

#[derive(Debug)]
struct FeatureLayer {
    /// `[N, C, H·W]`.
    values: Vec<f32>,
    /// One weight per channel.
    head: Vec<f32>,
}

impl Lpips {
    /// Returns the metric's name in records.
    pub fn name(&self) -> String {
        MetricName::Lpips.of_network(&self.0.digest.short())
    }

    /// Computes the features of frames `[N, C, H, W]` with pixels in [0, 1].
    ///
    /// # Errors
    /// If the network does not take them, or returns something else than features and heads.
    pub fn features(&self, frames: &Tensor) -> Result<FrameFeatures, NetworkError> {
        let count = frames.size()[0];
        let mut all = FrameFeatures { frames: 0, layers: Vec::new() };
        let step = size(FRAMES_MAX);
        for start in (0..count).step_by(FRAMES_MAX) {
            let part = frames.narrow(0, start, step.min(count - start));
            all.extend(self.layers(&signed_rgb(&part))?);
        }
        Ok(all)
    }

    fn layers(&self, input: &Tensor) -> Result<FrameFeatures, NetworkError> {
        const EXPECTED: &str = "feature maps [N, C, H, W] of L layers, then L heads of C values";
        let count = input.size()[0];
        let tensors = match self.0.forward(input)? {
            IValue::TensorList(tensors) => tensors,
            IValue::Tuple(values) => values
                .into_iter()
                .map(|value| match value {
                    IValue::Tensor(tensor) => Ok(tensor),
                    other => Err(self.0.refuse(EXPECTED, format!("a tuple with {}", kind(&other)))),
                })
                .collect::<Result<_, _>>()?,
            other => return Err(self.0.refuse(EXPECTED, kind(&other).to_owned())),
        };
        let (features, heads) = tensors.split_at(tensors.len() / 2);
        let fits = |(map, head): (&Tensor, &Tensor)| match map.size()[..] {
            [n, channels, height, width] => {
                n == count && head.size() == [channels] && height * width * channels > 0
            }
            _ => false,
        };
        let are_all = |kind: Kind| tensors.iter().all(|tensor| tensor.kind() == kind);
        if features.is_empty()
            || features.len() != heads.len()
            || !features.iter().zip(heads).all(fits)
            || !are_all(Kind::Float)
        {
            let shapes: Vec<String> =
                tensors.iter().map(|it| format!("{:?} {:?}", it.kind(), it.size())).collect();
            return Err(self.0.refuse(EXPECTED, format!("[{}]", shapes.join(", "))));
        }
        let layer = |(map, head): (&Tensor, &Tensor)| FeatureLayer {
            values: to_host(map),
            head: to_host(head),
        };
        let layers = features.iter().zip(heads).map(layer).collect();
        Ok(FrameFeatures { frames: usize::try_from(count).unwrap_or_default(), layers })
    }
}

impl FrameFeatures {
    fn extend(&mut self, next: Self) {
        self.frames += next.frames;
        if self.layers.is_empty() {
            self.layers = next.layers;
            return;
        }
        for (layer, next) in self.layers.iter_mut().zip(next.layers) {
            layer.values.extend(next.values);
        }
    }

    /// Returns the LPIPS between one of these frames and one of `others`.
    pub fn distance(&self, frame: usize, others: &Self, other: usize) -> f64 {
        let layers = self.layers.iter().zip(&others.layers);
        let distances = layers.map(|(own, others_layer)| {
            let of = |layer: &FeatureLayer, frames: usize, at: usize| {
                let length = layer.values.len() / frames;
                at * length..(at + 1) * length
            };
            let channels = own.head.len();
            let x = &own.values[of(own, self.frames, frame)];
            let y = &others_layer.values[of(others_layer, others.frames, other)];
            let features = |values| LayerFeatures { values, channels };
            layer_distance(features(x), features(y), &own.head)
        });
        distances.sum()
    }
}

/// The network of FVD.
#[derive(Debug)]
pub struct Fvd(Module);

impl Fvd {
    /// Returns the metric's name in records.
    pub fn name(&self) -> String {
        MetricName::Fvd.of_network(&self.0.digest.short())
    }

    /// Computes the features of each of the videos `[N, C, T, H, W]` with pixels in [0, 1].
    ///
    /// # Errors
    /// If the network does not take them, or does not return features.
    pub fn features(&self, videos: &Tensor) -> Result<Vec<Vec<f32>>, NetworkError> {
        const EXPECTED: &str = "features Float [N, D]";
        let count = videos.size()[0];
        let step = size(VIDEOS_MAX);
        let mut all = Vec::new();
        for start in (0..count).step_by(VIDEOS_MAX) {
            let part = signed_rgb(&videos.narrow(0, start, step.min(count - start)));
            let features = match self.0.forward(&part)? {
                IValue::Tensor(features) => features,
                other => return Err(self.0.refuse(EXPECTED, kind(&other).to_owned())),
            };
            let shape = features.size();
            if shape.len() != 2
                || shape[0] != part.size()[0]
                || shape[1] == 0
                || features.kind() != Kind::Float
            {
                let found = format!("{:?} {shape:?}", features.kind());
                return Err(self.0.refuse(EXPECTED, found));
            }
            let features: Vec<Tensor> = (0..shape[0]).map(|row| features.get(row)).collect();
            all.extend(features.iter().map(to_host::<f32>));
        }
        Ok(all)
    }
}

/// The feature networks of an evaluation.
#[derive(Debug, Default)]
pub struct Networks {
    pub lpips: Option<Lpips>,
    pub fvd: Option<Fvd>,
}

impl Networks {
    /// Reads the networks and moves them to a device.
    ///
    /// # Errors
    /// If a file cannot be read, is not the expected one, or is not TorchScript.
    pub fn load(
        files: &FeatureNetworks<NetworkFile>,
        device: Device,
    ) -> Result<Self, NetworkError> {
        let FeatureNetworks { lpips, fvd } = files.try_map(|file| Module::load(file, device))?;
        Ok(Self { lpips: lpips.map(Lpips), fvd: fvd.map(Fvd) })
    }

    /// Returns the digests of the networks.
    pub fn digests(&self) -> FeatureNetworks<NetworkDigest> {
        FeatureNetworks {
            lpips: self.lpips.as_ref().map(|network| network.0.digest),
            fvd: self.fvd.as_ref().map(|network| network.0.digest),
        }
    }
}

/// Names the type of a value.
const fn kind(value: &IValue) -> &'static str {
    match value {
        IValue::None => "None",
        IValue::Tensor(_) => "a tensor",
        IValue::Tuple(_) => "a tuple",
        IValue::TensorList(_) => "a list of tensors",
        _ => "a value that is not a tensor",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const FOLDER: &str =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/feature_networks");

    fn file(name: &str) -> NetworkFile {
        NetworkFile { file: Path::new(FOLDER).join(name), sha256: None }
    }

    fn networks() -> Networks {
        let files = FeatureNetworks { lpips: Some(file("lpips.pt")), fvd: Some(file("fvd.pt")) };
        Networks::load(&files, Device::Cpu).unwrap()
    }

    fn expected() -> serde_json::Value {
        let path = Path::new(FOLDER).join("distances.json");
        serde_json::from_slice(&fs::read(&path, 1 << 20).unwrap()).unwrap()
    }

    /// The pictures of make.py.
    fn pattern(shape: &[i64], seed: i64) -> Tensor {
        let count: i64 = shape.iter().product();
        let values = Tensor::arange(count, (Kind::Int64, Device::Cpu)) * (2 * seed + 7);
        (values.remainder(101).to_kind(Kind::Double) / 100.0).to_kind(Kind::Float).view(shape)
    }

    #[test]
    fn lpips_is_that_of_pytorch() {
        let lpips = networks().lpips.unwrap();
        for case in expected()["pictures"].as_array().unwrap() {
            let channels = case["channels"].as_i64().unwrap();
            let [x, y] = [1, 2].map(|seed| pattern(&[1, channels, 16, 12], seed));
            let features = |frames: &[&Tensor]| lpips.features(&Tensor::cat(frames, 0)).unwrap();
            let distance = features(&[&x]).distance(0, &features(&[&x, &y]), 1);
            let expected = case["distance"].as_f64().unwrap();
            assert!((distance - expected).abs() < 1e-6, "{distance}, PyTorch {expected}");
        }
    }

    #[test]
    fn more_frames_than_fit_at_once_have_the_features_of_each() {
        let lpips = networks().lpips.unwrap();
        let frames = pattern(&[size(FRAMES_MAX) + 3, 1, 16, 12], 5);
        let last = size(FRAMES_MAX) + 2;
        let (all, one) = (lpips.features(&frames), lpips.features(&frames.narrow(0, last, 1)));
        assert!(all.unwrap().distance(FRAMES_MAX + 2, &one.unwrap(), 0) < 1e-10);
    }

    #[test]
    fn features_of_videos_are_those_of_pytorch_whatever_their_number() {
        let fvd = networks().fvd.unwrap();
        let clip = pattern(&[4, 1, 16, 12], 3).transpose(0, 1).unsqueeze(0);
        let all = fvd.features(&clip.repeat([size(VIDEOS_MAX) + 1, 1, 1, 1, 1])).unwrap();
        assert_eq!(all.len(), VIDEOS_MAX + 1);
        let expected = expected();
        let expected = expected["clip"].as_array().unwrap().iter().map(|it| it.as_f64().unwrap());
        let expected: Vec<f64> = expected.collect();
        for features in all {
            assert_eq!(features.len(), expected.len());
            for (ours, theirs) in features.iter().zip(&expected) {
                assert!((f64::from(*ours) - theirs).abs() < 1e-6, "{ours}, PyTorch {theirs}");
            }
        }
    }

    #[track_caller]
    fn check_refuses(error: &NetworkError, message: &str) {
        assert!(error.to_string().contains(message), "no `{message}` in `{error}`");
    }

    #[test]
    fn a_file_that_is_not_the_expected_network_is_refused() {
        let wrong = NetworkFile { sha256: Some(NetworkDigest([7; 32])), ..file("fvd.pt") };
        check_refuses(&identify(&wrong).unwrap_err(), "expected 0707");
        check_refuses(&Module::load(&wrong, Device::Cpu).unwrap_err(), "expected 0707");
        check_refuses(
            &Module::load(&file("distances.json"), Device::Cpu).unwrap_err(),
            "as TorchScript",
        );
        check_refuses(&Module::load(&file("none.pt"), Device::Cpu).unwrap_err(), "none.pt");
    }

    #[test]
    fn a_network_of_another_form_is_refused() {
        let load = |name| Module::load(&file(name), Device::Cpu).unwrap();
        let frames = pattern(&[1, 1, 16, 12], 1);
        let (lpips, fvd) = (Lpips(load("fvd.pt")), Fvd(load("lpips.pt")));
        check_refuses(
            &lpips.features(&frames).unwrap_err(),
            "rejects an input of shape [1, 3, 16, 12]",
        );
        let video = pattern(&[1, 1, 4, 16, 12], 1);
        check_refuses(
            &fvd.features(&video).unwrap_err(),
            "rejects an input of shape [1, 3, 4, 16, 12]",
        );
        let small = pattern(&[1, 1, 2, 2, 2], 1);
        check_refuses(&Fvd(load("fvd.pt")).features(&small).unwrap_err(), "rejects an input");
    }
}
