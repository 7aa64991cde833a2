//! The numbers that the MP6 assignment prints.
//!
//! Draws are repeated from their seeds. Of a linear layer and an LSTM cell the assignment prints only
//! the results; the inputs were in a file that is not public. These results cannot be computed, so they
//! are constants here: operands of the checks that the case makes on them.

use tch::{Kind, Reduction, Tensor};

use crate::torch::Placement;
use crate::{integer, torch::kind, unsupported};
use reprise_base::rng::{numpy::RandomState, torch::Generator};
use reprise_golden::{
    self as golden, Case, ElementType, OutputSpec, Outputs, PortError, Precision, TensorData,
};

/// Output 8 of the assignment: the linear layer's output.
const LINEAR_OUTPUT: [f64; 9] =
    [5.4148, 5.3680, 5.1604, 5.7956, 5.9180, 4.7404, 5.6566, 6.3425, 4.5361];

/// Output 14 of the assignment: hidden state of the LSTM cell.
const CELL_H: [f64; 15] = [
    0.8032, 0.9193, 0.8529, 0.8087, 0.8650, 0.9457, 0.9113, 0.9015, 0.9565, 0.9572, 0.7985, 0.8595,
    0.8611, 0.7883, 0.8062,
];

/// Output 14 of the assignment: memory of the LSTM cell.
const CELL_C: [f64; 15] = [
    1.1083, 1.5898, 1.2672, 1.1263, 1.3172, 1.8059, 1.5412, 1.4850, 1.9103, 1.9222, 1.0961, 1.2930,
    1.2984, 1.0739, 1.1200,
];

/// The draws of the assignment's fifth notebook cell, in the order of each generator.
struct PrintedDraws {
    /// `randn(5)`, then rows of `randn(4)`.
    normals: Vec<f64>,
    /// The rows.
    normal_rows: Vec<f64>,
    /// `rand(5)`, then rows of `rand(4)`.
    units: Vec<f64>,
    /// The rows.
    unit_rows: Vec<f64>,
}

impl PrintedDraws {
    fn new(case: &Case) -> Result<Self, PortError> {
        let shape = |name: &str| {
            case.output_spec(name)
                .map(|output| output.shape.clone())
                .ok_or_else(|| unsupported(case, format!("draws without `{name}`")))
        };
        let len = |name: &str| Ok::<usize, PortError>(shape(name)?.iter().product());
        let mut torch = Generator::manual_seed(integer(case, "torch_manual_seed")?);
        let mut numpy = RandomState::new(integer(case, "numpy_random_seed")?);
        let doubles =
            |values: Vec<f32>| -> Vec<f64> { values.into_iter().map(f64::from).collect() };
        let rows = shape("randn_3x4")?;
        let [count, width] = rows.as_slice() else {
            return Err(unsupported(case, "rows of normals that are not a matrix"));
        };
        // Every row is a separate call, so PyTorch draws the normals of each row in pairs.
        let normals = doubles(torch.normal(len("randa")?, 0.0, 1.0));
        let normal_rows =
            (0..*count).flat_map(|_| doubles(torch.normal(*width, 0.0, 1.0))).collect();
        let mut unit = |n| (0..n).map(|_| numpy.random_sample()).collect();
        let units = unit(len("randb")?);
        Ok(Self { normals, normal_rows, units, unit_rows: unit(len("rand_3x4")?) })
    }
}

pub(super) fn run(case: &Case, place: Placement) -> Result<Outputs, PortError> {
    let draws = PrintedDraws::new(case)?;
    let mut outputs = Outputs::new();
    for output in case.outputs() {
        let name = output.name.strip_prefix("printed/").unwrap_or(&output.name);
        let values = match name {
            "randa" => draws.normals.clone(),
            "randn_3x4" => draws.normal_rows.clone(),
            "randb" => draws.units.clone(),
            "rand_3x4" => draws.unit_rows.clone(),
            "cos_sin" => plain(&in_kind(&draws.normals, place).sin().cos()),
            "linear_output" => LINEAR_OUTPUT.to_vec(),
            "lstmcell_h" => CELL_H.to_vec(),
            "lstmcell_c" => CELL_C.to_vec(),
            "mse_with_itself" => {
                let printed = in_kind(&LINEAR_OUTPUT, place);
                plain(&printed.mse_loss(&printed, Reduction::Mean))
            }
            // h = o ⊙ tanh(c), solved for the gate.
            "implied_output_gate" => CELL_H.iter().zip(CELL_C).map(|(h, c)| h / c.tanh()).collect(),
            name => return Err(unsupported(case, format!("output `{name}`"))),
        };
        outputs.insert(output.name.clone(), declared(output, values, place.precision));
    }
    Ok(outputs)
}

fn in_kind(values: &[f64], place: Placement) -> Tensor {
    Tensor::from_slice(values).to_kind(kind(place))
}

fn plain(tensor: &Tensor) -> Vec<f64> {
    let tensor = tensor.to_kind(Kind::Double).contiguous();
    let mut values = vec![0.0; tensor.numel()];
    tensor.copy_data(&mut values, tensor.numel());
    values
}

/// Converts an output to the element type and the shape that the case declares.
fn declared(output: &OutputSpec, values: Vec<f64>, precision: Precision) -> golden::Tensor {
    let data = if output.dtype == ElementType::F64 || precision == Precision::F64 {
        TensorData::F64(values)
    } else {
        TensorData::F32(values.into_iter().map(single).collect())
    };
    golden::Tensor { shape: output.shape.clone(), data }
}

#[expect(clippy::cast_possible_truncation, reason = "the original computes in f32 here")]
pub(super) fn single(value: f64) -> f32 {
    value as f32
}
