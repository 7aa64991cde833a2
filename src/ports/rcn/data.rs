//! The Kaggle table, the order of rows and the batches.

use crate::{
    data::kaggle::{
        KeypointColumns, Keypoints, PIXELS, SIDE, minibatches, read_training, shuffled,
    },
    golden::{Case, OutputSpec, Outputs, PortError, Tensor, TensorData},
    ports::{refused, unsupported},
    rng::numpy::RandomState,
};

/// Rows in the order in which the original returns them.
struct KaggleRows {
    keypoints: Keypoints,
    order: Vec<usize>,
}

impl KaggleRows {
    fn new(case: &Case, columns: &KeypointColumns) -> Result<Self, PortError> {
        let file = case.data_files.iter().find(|file| file.extension().is_some_and(|e| e == "csv"));
        let file = file.ok_or_else(|| unsupported(case, "a case without a table"))?;
        let keypoints = read_training(&case.dir.join(file), columns).map_err(refused)?;
        let order = shuffled(keypoints.len());
        Ok(Self { keypoints, order })
    }

    fn image(&self, index: usize) -> Option<Vec<f32>> {
        self.order.get(index).map(|&row| self.keypoints.images().unit(row).collect())
    }

    fn targets(&self) -> Vec<f32> {
        self.order.iter().flat_map(|&row| self.keypoints.targets(row)).collect()
    }
}

pub(super) fn run(case: &Case) -> Result<Outputs, PortError> {
    let all = KaggleRows::new(case, &KeypointColumns::All)?;
    let names = if case.config.contains("cols_subset") {
        case.config.strs("cols_subset")?.into_iter().map(str::to_owned).collect()
    } else {
        Vec::new()
    };
    let subset = KaggleRows::new(case, &KeypointColumns::Named(names))?;
    let mut outputs = Outputs::new();
    for output in case.outputs() {
        let unknown = || unsupported(case, format!("output `{}`", output.name));
        let data = match output.name.as_str() {
            "X_shape" => TensorData::I64(signed([all.order.len(), SIDE, SIDE, 1])),
            "y" => TensorData::F32(all.targets()),
            "subset/X_shape" => TensorData::I64(signed([subset.order.len(), PIXELS])),
            "subset/y" => TensorData::F32(subset.targets()),
            "non_missing_per_column" => {
                TensorData::I64(all.keypoints.filled.iter().map(|n| n.cast_signed()).collect())
            }
            "minibatches" => batches(output).map(TensorData::I64).ok_or_else(unknown)?,
            name => {
                let (loaded, index) = match name.split_once('/') {
                    Some(("shuffle", n)) => {
                        let order = shuffled(n.parse().map_err(|_| unknown())?);
                        outputs.insert(output.name.clone(), shaped(output, signed(order)));
                        continue;
                    }
                    Some(("X", index)) => (&all, index),
                    Some(("subset", name)) => {
                        (&subset, name.strip_prefix('X').ok_or_else(unknown)?)
                    }
                    _ => return Err(unknown()),
                };
                let index = index.parse().map_err(|_| unknown())?;
                TensorData::F32(loaded.image(index).ok_or_else(unknown)?)
            }
        };
        outputs.insert(output.name.clone(), Tensor { shape: output.shape.clone(), data });
    }
    Ok(outputs)
}

fn shaped(output: &OutputSpec, values: Vec<i64>) -> Tensor {
    Tensor { shape: output.shape.clone(), data: TensorData::I64(values) }
}

/// The batches of `iterate_minibatches(arange(N), ..., shuffle=True)` after `np.random.seed(S)`; only the
/// output's note states N and S.
fn batches(output: &OutputSpec) -> Option<Vec<i64>> {
    let argument = |call: &str| {
        let (_, rest) = output.note.as_deref()?.split_once(call)?;
        rest.split_once(')')?.0.trim().parse::<u32>().ok()
    };
    let (n, seed) = (argument("arange(")?, argument("seed(")?);
    let &[_, batch_size] = output.shape.as_slice() else { return None };
    let n = usize::try_from(n).ok().filter(|_| batch_size > 0)?;
    let batches = minibatches(n, batch_size, &mut RandomState::new(seed));
    Some(signed(batches.concat()))
}

fn signed(values: impl IntoIterator<Item = usize>) -> Vec<i64> {
    values.into_iter().map(|n| (n as u64).cast_signed()).collect()
}
