//! Upsampling to full size and colour conversion, bit-equal to libjpeg's "fancy" upsampling.

use super::coefficients::{BLOCK_SIDE, CodedImage, ColourSpace, Component};

/// Returns a component with one sample per pixel, `[H, W]`.
pub(super) fn full_size(image: &CodedImage, component: &Component, samples: &[u8]) -> Vec<u8> {
    let [rows, columns] = component.size;
    let line = |row: usize| &samples[row * component.stride * BLOCK_SIDE..][..columns];
    let [down, across] = [0, 1].map(|axis| image.sampling_max[axis] / component.sampling[axis]);
    let mut full = Vec::with_capacity(image.height * image.width);
    for y in 0..image.height {
        let row = y / down;
        let wide = match (down, across) {
            (1, 2) if columns > 2 => across_only(line(row)),
            (2, 1) => down_only(line(row), line(neighbour(y, rows)), y),
            (2, 2) if columns > 2 => both(line(row), line(neighbour(y, rows))),
            _ => line(row).iter().flat_map(|&sample| std::iter::repeat_n(sample, across)).collect(),
        };
        full.extend(&wide[..image.width]);
    }
    full
}

/// Returns the second-nearest row of samples to pixel row `y`; edge rows are repeated.
const fn neighbour(y: usize, rows: usize) -> usize {
    let row = y / 2;
    match y % 2 {
        0 => row.saturating_sub(1),
        _ if row + 1 < rows => row + 1,
        _ => row,
    }
}

/// Doubles a row: 3/4 of the nearer plus 1/4 of the farther sample (`h2v1_fancy_upsample`).
fn across_only(line: &[u8]) -> Vec<u8> {
    let wide: Vec<u32> = line.iter().map(|&sample| sample.into()).collect();
    doubled(&wide, [1, 2], 2)
}

/// Blends a row with its neighbour above or below (`h1v2_fancy_upsample`).
fn down_only(near: &[u8], far: &[u8], y: usize) -> Vec<u8> {
    let bias = if y.is_multiple_of(2) { 1 } else { 2 };
    near.iter().zip(far).map(|pair| byte((mixed(pair) + bias) >> 2)).collect()
}

/// Blends and doubles a row, rounding once (`h2v2_fancy_upsample`).
fn both(near: &[u8], far: &[u8]) -> Vec<u8> {
    let sums: Vec<u32> = near.iter().zip(far).map(mixed).collect();
    doubled(&sums, [8, 7], 4)
}

fn mixed((&near, &far): (&u8, &u8)) -> u32 {
    3 * u32::from(near) + u32::from(far)
}

/// Doubles a row; left and right pixels are rounded with different biases and shifted by `bits`.
fn doubled(line: &[u32], [left, right]: [u32; 2], bits: u32) -> Vec<u8> {
    let last = line.len() - 1;
    let mut wide = Vec::with_capacity(2 * line.len());
    for (at, &here) in line.iter().enumerate() {
        let before = line[at.saturating_sub(1)];
        let after = line[(at + 1).min(last)];
        wide.push(byte((3 * here + before + left) >> bits));
        wide.push(byte((3 * here + after + right) >> bits));
    }
    wide
}

fn byte(value: u32) -> u8 {
    u8::try_from(value).expect("a weighted mean of bytes is a byte")
}

/// Interleaves components as red, green and blue.
pub(super) fn interleave(planes: &[Vec<u8>], colour_space: ColourSpace) -> Vec<u8> {
    match (colour_space, planes) {
        (ColourSpace::Rgb, [r, g, b]) => {
            r.iter().zip(g).zip(b).flat_map(|((&r, &g), &b)| [r, g, b]).collect()
        }
        (ColourSpace::YCbCr, [y, cb, cr]) => {
            y.iter().zip(cb).zip(cr).flat_map(|((&y, &cb), &cr)| rgb(y, cb, cr)).collect()
        }
        (_, planes) => planes[0].iter().flat_map(|&grey| [grey; 3]).collect(),
    }
}

/// `jdcolor.c`, in units of 2^-16:
/// ```text
/// R = Y + 1.40200 Cr     G = Y - 0.34414 Cb - 0.71414 Cr     B = Y + 1.77200 Cb
/// ```
fn rgb(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    const HALF: i32 = 1 << 15;
    let [y, cb, cr] = [i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128];
    let red = y + ((91881 * cr + HALF) >> 16);
    let green = y + ((-22554 * cb - 46802 * cr + HALF) >> 16);
    let blue = y + ((116_130 * cb + HALF) >> 16);
    [red, green, blue].map(|value| u8::try_from(value.clamp(0, 255)).expect("a clamped byte"))
}
