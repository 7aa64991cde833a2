//! The image that the original logs every 250 steps (`create_video`, `torchvision.make_grid`).

use tch::Tensor;

/// Width of the border around each frame in pixels (`padding` of `make_grid`).
pub const PADDING: i64 = 2;

/// Value of the border (`pad_value` of `make_grid`).
pub const PAD_VALUE: f64 = 0.0;

/// The three parts of a sequence, each `[T, C, H, W]` in [0, 1].
#[derive(Debug)]
pub struct GridExample<'a> {
    pub context: &'a Tensor,
    pub prediction: &'a Tensor,
    /// The true frames of the prediction.
    pub truth: &'a Tensor,
}

/// Draws context and prediction, context and truth, and the squared errors as one image
/// `[3, height, width]`.
///
/// A row has as many frames as the sequence. As in the original, the errors come after as many
/// black frames as are *predicted*, not as are given. If these numbers differ, the errors are not
/// below their frames; with a horizon longer than the context they continue in a fourth row.
///
/// Deviation: the original draws the first sequence of a batch and fails for a batch of one, because
/// `squeeze` removes the axis that it then indexes. Here the argument is a sequence.
pub fn picture_grid(example: &GridExample<'_>) -> Tensor {
    let GridExample { context, prediction, truth } = example;
    let error = (*prediction - *truth).pow_tensor_scalar(2).detach();
    let black = error.zeros_like();
    let images = Tensor::cat(&[context, prediction, context, truth, &black, &error], 0);
    make_grid(&images, context.size()[0] + prediction.size()[0])
}

/// Arranges images `[N, 1 or 3, H, W]` in rows of `columns`; grey becomes red = green = blue.
fn make_grid(images: &Tensor, columns: i64) -> Tensor {
    let (count, channels, height, width) = images.size4().expect("images are [N, C, H, W]");
    let images = if channels == 1 { images.repeat([1, 3, 1, 1]) } else { images.copy() };
    let columns = columns.min(count);
    let rows = (count + columns - 1) / columns;
    let (cell_height, cell_width) = (height + PADDING, width + PADDING);
    let grid = images.new_full(
        [images.size()[1], rows * cell_height + PADDING, columns * cell_width + PADDING],
        PAD_VALUE,
        (images.kind(), images.device()),
    );
    for k in 0..count {
        let (row, column) = (k / columns, k % columns);
        grid.narrow(1, row * cell_height + PADDING, height)
            .narrow(2, column * cell_width + PADDING, width)
            .copy_(&images.get(k));
    }
    grid
}
