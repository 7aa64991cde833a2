//! Moving MNIST: resized digits, trajectories and frames.

use crate::{integer, refused, unsupported};
use reprise_base::{
    config::digits::{Bounce, DIGIT_SIDE},
    rng::numpy::RandomState,
    scalar::Count,
};
use reprise_data::moving_mnist::{
    DIGIT_PIXELS, Scene, Trajectory, draw, resize_bilinear, to_unit, trajectories,
};
use reprise_golden::{Case, Outputs, PortError, Tensor, TensorData};

/// `bytes` and `tensor`: digits after `transforms.Scale` and `ToTensor`.
pub(super) fn resize(case: &Case) -> Result<Outputs, PortError> {
    let raw = case.tensor("raw")?;
    let (&[count, height, width], TensorData::U8(pixels)) = (raw.shape.as_slice(), &raw.data)
    else {
        return Err(unsupported(case, "digits that are not [n, H, W] bytes"));
    };
    let side = integer::<Count>(case, "digit_size")?.len();
    // `Scale` resizes the shorter edge to `digit_size` and keeps the ratio, rounded down.
    let shorter = height.min(width);
    if count * shorter == 0 {
        return Err(unsupported(case, "digits without pixels"));
    }
    let target = [side * height / shorter, side * width / shorter];
    let bytes: Vec<u8> = pixels
        .chunks_exact(height * width)
        .flat_map(|digit| resize_bilinear(digit, [height, width], target))
        .collect();
    let unit = bytes.iter().map(|&byte| to_unit(byte)).collect();
    let shape = vec![count, target[0], target[1]];
    Ok([("bytes", TensorData::U8(bytes)), ("tensor", TensorData::F32(unit))]
        .map(|(name, data)| (name.to_owned(), Tensor { shape: shape.clone(), data }))
        .into())
}

/// `digit_index`, `positions_yx` and `x/<n>`: items of one data set in the given order.
pub(super) fn moving_mnist(case: &Case) -> Result<Outputs, PortError> {
    let config = &case.config;
    let size = |key| integer::<Count>(case, key).map(Count::len);
    let scene = Scene {
        frames: size("seq_len")?,
        digits: size("num_digits")?,
        side: size("image_size")?,
        bounce: if config.bool("deterministic")? { Bounce::Mirrored } else { Bounce::Redrawn },
    };
    let TensorData::F32(digits) = case.tensor("digits")?.data else {
        return Err(unsupported(case, "digits that are not f32"));
    };
    let available = digits.len() / DIGIT_PIXELS;
    if scene.side <= DIGIT_SIDE || available == 0 || digits.len() % DIGIT_PIXELS != 0 {
        return Err(unsupported(case, "digits that do not fit into the frame"));
    }
    let items = config.i64s("items")?;
    let &[first, ..] = items.as_slice() else {
        return Err(unsupported(case, "an empty list of items"));
    };
    let mut random = RandomState::new(u32::try_from(first).map_err(refused)?);
    let mut outputs = Outputs::new();
    let (mut indices, mut positions) = (Vec::new(), Vec::new());
    for item in 0..items.len() {
        let shown = trajectories(scene, available, &mut random);
        let frames =
            draw(scene, &shown, |index| &digits[index * DIGIT_PIXELS..(index + 1) * DIGIT_PIXELS]);
        let shape = vec![scene.frames, scene.side, scene.side, 1];
        outputs.insert(format!("x/{item}"), Tensor { shape, data: TensorData::F32(frames) });
        for Trajectory { digit, corners } in shown {
            indices.push(signed(digit));
            positions.extend(corners.into_iter().flatten().map(signed));
        }
    }
    let mut integers = |name: &str, shape: &[usize], values| {
        let shape = [&[items.len(), scene.digits], shape].concat();
        outputs.insert(name.to_owned(), Tensor { shape, data: TensorData::I64(values) });
    };
    integers("digit_index", &[], indices);
    integers("positions_yx", &[scene.frames, 2], positions);
    Ok(outputs)
}

fn signed(n: usize) -> i64 {
    (n as u64).cast_signed()
}
