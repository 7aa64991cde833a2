//! System `schedule`: KL weights and teacher-forcing ratios by epoch.

use super::{integer, number, refused, unsupported};
use crate::{
    golden::{Case, CasePort, Outputs, PortError, Precision, Tensor, TensorData},
    scalar::{Count, Epoch, Fraction, ScalarError},
    schedule::{KlWeight, TeacherForcing},
};

/// The schedules; f64 in both precisions.
pub(super) struct SchedulePort;

impl CasePort for SchedulePort {
    fn serves(&self, system: &str) -> bool {
        system == "schedule"
    }

    fn run(&self, case: &Case, _precision: Precision) -> Result<Outputs, PortError> {
        let mut outputs = Outputs::new();
        for output in case.outputs() {
            let table = match output.name.as_str() {
                "beta" => kl_weight(case)?.table(epochs(case)?),
                "tfr" => teacher_forcing(case)?,
                name => return Err(unsupported(case, format!("output `{name}`"))),
            };
            outputs.insert(output.name.clone(), Tensor::vector(TensorData::F64(table)));
        }
        Ok(outputs)
    }
}

/// Reads the number of epochs, under any of the originals' names.
fn epochs(case: &Case) -> Result<Count, PortError> {
    let key = ["n_iter", "num_epoch"].into_iter().find(|key| case.config.contains(key));
    integer(case, key.unwrap_or("niter"))
}

fn kl_weight(case: &Case) -> Result<KlWeight, PortError> {
    let config = &case.config;
    if config.contains("n_iter") {
        return Ok(KlWeight::FrangeCycleLinear {
            cycles: integer(case, "n_cycle")?,
            ratio: number(case, "ratio")?,
            start: number(case, "start")?,
            stop: number(case, "stop")?,
        });
    }
    if config.contains("kl_anneal_type") {
        let cycle_epochs = integer(case, "kl_anneal_cycle")?;
        let ratio = || number(case, "kl_anneal_ratio");
        return match config.str("kl_anneal_type")? {
            "Cyclical" => Ok(KlWeight::QuotientCyclical { cycle_epochs, ratio: ratio()? }),
            "Monotonic" => Ok(KlWeight::QuotientMonotonic { cycle_epochs, ratio: ratio()? }),
            "Without" => Ok(KlWeight::Constant { beta: constant(1.0)? }),
            kind => Err(unsupported(case, format!("kl_anneal_type `{kind}`"))),
        };
    }
    let cyclical = config.bool("kl_anneal_cyclical")?;
    if is_later_lab(case) {
        // The settings choose between two calls of `frange_cycle_linear`.
        let (cycles, ratio) = if cyclical {
            (integer(case, "kl_anneal_cycle")?, 0.5)
        } else {
            (Count::literal(1), 0.25)
        };
        return Ok(KlWeight::FrangeCycleLinear {
            cycles,
            ratio: constant(ratio)?,
            start: constant(0.0)?,
            stop: constant(1.0)?,
        });
    }
    let beta = number(case, "beta")?;
    Ok(if cyclical {
        let cycles = integer(case, "kl_anneal_cycle")?;
        KlWeight::Cyclical { cycles, ratio: number(case, "kl_anneal_ratio")?, beta }
    } else {
        KlWeight::Monotonic { ratio: constant(0.25)?, beta } // the original passes 0.25
    })
}

/// Returns whether the settings are those of jeannineshiu's script, which has no `beta`.
fn is_later_lab(case: &Case) -> bool {
    case.config.contains("kl_anneal_cyclical") && !case.config.contains("beta")
}

fn constant<T>(value: f64) -> Result<T, PortError>
where
    T: TryFrom<f64, Error = ScalarError>,
{
    T::try_from(value).map_err(refused)
}

fn teacher_forcing(case: &Case) -> Result<Vec<f64>, PortError> {
    let epochs = epochs(case)?;
    let initial: Fraction = number(case, "tfr")?;
    if case.config.contains("tfr_sde") {
        let start_epoch = integer(case, "tfr_sde")?;
        let step = number(case, "tfr_d_step")?;
        return Ok(TeacherForcing::StepDown { initial, start_epoch, step }.table(epochs));
    }
    let start_epoch: u32 = integer(case, "tfr_start_decay_epoch")?;
    let lower = number(case, "tfr_lower_bound")?;
    if is_later_lab(case) {
        // Its line falls from 1, even if the initial ratio is lower.
        let line = TeacherForcing::Original { initial: constant(1.0)?, start_epoch, lower };
        let mut table = line.table(epochs);
        table.iter_mut().take(start_epoch as usize + 1).for_each(|ratio| *ratio = initial.get());
        return Ok(table);
    }
    let schedule = TeacherForcing::Original { initial, start_epoch, lower };
    if !case.config.contains("start_epoch") {
        return Ok(schedule.table(epochs));
    }
    let first = Epoch(integer(case, "start_epoch")?);
    Ok(schedule.table_after_restart(first, epochs))
}
