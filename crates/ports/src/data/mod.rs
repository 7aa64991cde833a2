//! System `data`: TFRecord files, `.npy` files with `map.csv`, scaling, and the split by file.

use std::ops::ControlFlow;

use self::records::{ReadRecords, SIDE, failed, insert, layout, read, take};
use super::{refused, unsupported};
use reprise_base::scalar::Fraction;
use reprise_data::{
    files::training_files,
    jpeg::Dct,
    resize::{Fit, bicubic, central_crop, frame},
    rgb_image::RgbImage,
    tfrecord::{
        FeatureError, FramingError, RecordLayout, RecordPart, TfrecordError, for_each_record,
        sequence::padded_states,
    },
};
use reprise_golden::{
    Case, CasePort, OutputSpec, Outputs, PortError, Precision, Tensor, TensorData, Variant,
};

mod npy;
mod records;

/// The readers of robot-pushing data; they return bytes and f32 in both precisions.
pub(super) struct DataPort;

impl CasePort for DataPort {
    fn serves(&self, system: &str) -> bool {
        system == "data"
    }

    fn run(&self, case: &Case, _precision: Precision) -> Result<Outputs, PortError> {
        let config = &case.config;
        if config.contains("sets") {
            scaled(case)
        } else if config.contains("train_val_split") {
            splits(case)
        } else if config.contains("source") {
            npy::run(case)
        } else if !case.variants.is_empty() {
            damaged(case)
        } else {
            whole_files(case)
        }
    }
}

/// `y/i` and `crop/i`: input `x/i` scaled to the size of `y/i`, and cropped to a square.
fn scaled(case: &Case) -> Result<Outputs, PortError> {
    let mut outputs = Outputs::new();
    for output in case.outputs() {
        let unknown = || unsupported(case, format!("output `{}`", output.name));
        let (what, number) = output.name.split_once('/').ok_or_else(unknown)?;
        let input = case.tensor(&format!("x/{number}"))?;
        let (&[height, width, 3], TensorData::U8(pixels)) = (&input.shape[..], &input.data) else {
            return Err(unknown());
        };
        let &[rows, columns, 3] = &output.shape[..] else { return Err(unknown()) };
        let (from, target) = ([height, width], [rows, columns]);
        let data = match what {
            "y" => TensorData::F32(bicubic(pixels, from, target)),
            "crop" => TensorData::U8(central_crop(pixels, from, [height.min(width); 2]).0),
            _ => return Err(unknown()),
        };
        insert(&mut outputs, output, data);
    }
    Ok(outputs)
}

/// `index`: training files by number of files and share.
fn splits(case: &Case) -> Result<Outputs, PortError> {
    let mut index = Vec::new();
    for files in case.config.i64s("files")? {
        let files = usize::try_from(files).map_err(refused)?;
        for share in case.config.f64s("train_val_split")? {
            let share = Fraction::try_from(share).map_err(refused)?;
            index.push(i64::try_from(training_files(files, share)).map_err(refused)?);
        }
    }
    case.outputs()
        .iter()
        .map(|output| match output.name.as_str() {
            "index" => {
                let data = TensorData::I64(index.clone());
                Ok((output.name.clone(), Tensor { shape: output.shape.clone(), data }))
            }
            name => Err(unsupported(case, format!("output `{name}`"))),
        })
        .collect()
}

/// The records of intact files, under the names of the original's tensors.
fn whole_files(case: &Case) -> Result<Outputs, PortError> {
    let files: Vec<_> =
        case.config.strs("files")?.into_iter().map(|file| case.dir.join(file)).collect();
    let frames = case.config.usize("sequence_length")?;
    let read = read(&files, layout(case)?, frames).map_err(failed)?;
    let states = match case.config.i64("use_state") {
        Ok(0) => StateReading::Zero,
        _ => StateReading::Read,
    };
    let mut outputs = Outputs::new();
    for output in case.outputs() {
        let data = named(&read, output, frames, states)
            .ok_or_else(|| unsupported(case, format!("output `{}`", output.name)))?;
        insert(&mut outputs, output, data);
    }
    Ok(outputs)
}

/// Whether the original reads actions and states (`use_state`).
#[derive(Clone, Copy)]
enum StateReading {
    Read,
    Zero,
}

/// Computes one output by its name, such as `crop/images/0/3`.
fn named(
    read: &ReadRecords,
    output: &OutputSpec,
    frames: usize,
    states: StateReading,
) -> Option<TensorData> {
    let (fit, name) = match output.name.split_once('/') {
        Some(("crop", rest)) => (Fit::Crop, rest),
        Some(("stretch", rest)) => (Fit::Stretch, rest),
        _ => (Fit::Crop, output.name.as_str()),
    };
    let parts: Vec<_> = name.split('/').collect();
    let number = |at: usize| parts.get(at)?.parse::<usize>().ok();
    let sequence = || read.sequences.get(number(1)?);
    let zeros = || TensorData::F32(vec![0.0; output.len()]);
    Some(match (parts[0], states) {
        ("framing", _) => TensorData::I64(read.framing.get(number(1)?)?.clone()),
        ("images", _) => {
            let picture = sequence()?.images.get(number(2)?)?;
            TensorData::F32(frame(picture, fit, [SIDE; 2]))
        }
        ("images_first_rows", _) => {
            let whole = frame(read.sequences.first()?.images.first()?, fit, [SIDE; 2]);
            TensorData::F32(block(&whole, SIDE, [20, 0], [output.shape[0], SIDE])?)
        }
        ("actions" | "states", StateReading::Zero) => zeros(),
        ("actions", StateReading::Read) => TensorData::F32(sequence()?.actions.clone()),
        ("states", StateReading::Read) => {
            TensorData::F32(padded_states(read.layout, &sequence()?.states))
        }
        ("use_state_0", _) => {
            let shape = [read.sequences.len(), frames, read.layout.state_size()];
            TensorData::I64(shape.map(|extent| i64::try_from(extent).expect("a size")).to_vec())
        }
        ("decoded", _) => TensorData::U8(sequence()?.images.first()?.pixels.clone()),
        ("decoded_accurate", _) => TensorData::U8(read.accurate.get(number(1)?)?.pixels.clone()),
        ("decoded_block", _) => decoded_block(sequence()?.images.first()?, output)?,
        ("decoded_accurate_block", _) => decoded_block(read.accurate.get(number(1)?)?, output)?,
        _ => return None,
    })
}

/// The block of a picture that the case stores in full.
fn decoded_block(picture: &RgbImage, output: &OutputSpec) -> Option<TensorData> {
    let &[rows, columns, 3] = &output.shape[..] else { return None };
    block(&picture.pixels, picture.width, [200, 300], [rows, columns]).map(TensorData::U8)
}

/// Returns a block `[rows, columns, 3]` of a picture.
fn block<T: Copy>(
    pixels: &[T],
    width: usize,
    [top, left]: [usize; 2],
    [rows, columns]: [usize; 2],
) -> Option<Vec<T>> {
    let mut block = Vec::new();
    for row in top..top + rows {
        block.extend(pixels.get((row * width + left) * 3..)?.get(..columns * 3)?);
    }
    Some(block)
}

/// `accepted/<file>/image_<frame>` of the files that the original accepts; all others must give its error.
fn damaged(case: &Case) -> Result<Outputs, PortError> {
    let layout = layout(case)?;
    let frames = case.config.usize("sequence_length")?;
    for variant in &case.variants {
        compare_with_original(case, variant, layout, frames)?;
    }
    let mut outputs = Outputs::new();
    for output in case.outputs() {
        let unknown = || unsupported(case, format!("output `{}`", output.name));
        let mut parts = output.name.split('/');
        let (Some("accepted"), Some(stem), Some(image)) =
            (parts.next(), parts.next(), parts.next())
        else {
            return Err(unknown());
        };
        let number = image.strip_prefix("image_").and_then(|number| number.parse::<usize>().ok());
        let path = case.dir.join(format!("data/{stem}.tfrecord"));
        let read = read(&[path], layout, frames).map_err(failed)?;
        let picture = number.and_then(|number| read.sequences.first()?.images.get(number));
        let picture = picture.ok_or_else(unknown)?;
        insert(&mut outputs, output, TensorData::F32(frame(picture, Fit::Stretch, [SIDE; 2])));
    }
    Ok(outputs)
}

/// Checks that a damaged file is handled as by the original: an error after as many records, at the
/// same stage and frame, and at the same byte if the original names one.
fn compare_with_original(
    case: &Case,
    variant: &Variant,
    layout: RecordLayout,
    frames: usize,
) -> Result<(), PortError> {
    let path = case.dir.join(&variant.file);
    let mut whole = Vec::new();
    let framed = for_each_record(&path, |_, record| {
        whole.push(record);
        ControlFlow::Continue(())
    });
    let differs = |what: String| {
        Err(PortError::Failed {
            action: "handle a damaged file as the original does",
            source: format!("`{}` ({}): {what}", variant.file, variant.what).into(),
        })
    };
    if whole.len() as u64 != variant.records_read {
        return differs(format!(
            "{} intact records, expected {}",
            whole.len(),
            variant.records_read
        ));
    }
    let parsed = framed.and_then(|_| {
        (0..).zip(&whole).try_for_each(|(number, record)| {
            take(&path, number, record, layout, frames, Dct::Fast).map(drop)
        })
    });
    let found = match &parsed {
        // The original treats a file that ends inside a header like one that ends before it, and passes
        // NaN and infinity on to the model.
        Ok(())
        | Err(
            TfrecordError::Feature { source: FeatureError::NotFinite { .. }, .. }
            | TfrecordError::Framing {
                source: FramingError::Truncated { part: RecordPart::Header, .. },
                ..
            },
        ) => None,
        Err(TfrecordError::Fs(_) | TfrecordError::Framing { .. }) => Some("reader"),
        Err(TfrecordError::Empty { .. }) => Some("queue"),
        Err(TfrecordError::Feature { source, .. }) if is_picture(source) => Some("decode"),
        Err(
            TfrecordError::Example { .. }
            | TfrecordError::TooShort { .. }
            | TfrecordError::NoImages { .. }
            | TfrecordError::Feature { .. },
        ) => Some("parse"),
    };
    // Where the original crashed, any error is right.
    let expected = variant.stage.as_deref();
    if found != expected && !(expected == Some("crash") && found.is_some()) {
        return differs(format!("stopped at stage {found:?}, expected {expected:?}: {parsed:?}"));
    }
    if let (Some(expected), Err(TfrecordError::Feature { key, .. })) = (variant.frame, &parsed) {
        let frame = key.split('/').find_map(|part| part.parse::<u64>().ok());
        if frame != Some(expected) {
            return differs(format!("`{key}` is invalid, expected frame {expected}"));
        }
    }
    let message = variant.message.as_deref().unwrap_or_default();
    let stated = message.rsplit_once("record at ").and_then(|(_, at)| at.parse().ok());
    match (stated, offset(&parsed)) {
        (Some::<u64>(stated), found) if found != Some(stated) => {
            differs(format!("the fault is at byte {found:?}, expected {stated}"))
        }
        _ => Ok(()),
    }
}

/// Returns whether the bytes of a feature are not a picture.
const fn is_picture(error: &FeatureError) -> bool {
    matches!(error, FeatureError::Bytes { .. } | FeatureError::Jpeg(_))
}

fn offset(parsed: &Result<(), TfrecordError>) -> Option<u64> {
    let Err(TfrecordError::Framing { source, .. }) = parsed else { return None };
    match *source {
        FramingError::Compressed { .. } | FramingError::CompressedTooLong { .. } => None,
        FramingError::Io { offset, .. }
        | FramingError::Truncated { offset, .. }
        | FramingError::LengthChecksum { offset }
        | FramingError::DataChecksum { offset }
        | FramingError::TooLong { offset, .. } => Some(offset),
    }
}
