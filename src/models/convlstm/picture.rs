//! The picture that the original logs every 250 steps (`create_video`, `torchvision.make_grid`).

use tch::Tensor;

/// Pixels between pictures and around them (`padding` of `make_grid`).
pub const PADDING: i64 = 2;

/// Value of those pixels (`pad_value` of `make_grid`).
pub const PAD_VALUE: f64 = 0.0;

/// One sequence in three parts, each `[T, 1, H, W]` in [0, 1].
#[derive(Debug)]
pub struct GridExample<'a> {
    /// Frames that were given.
    pub context: &'a Tensor,
    /// Frames that were predicted.
    pub prediction: &'a Tensor,
    /// What they should have been.
    pub truth: &'a Tensor,
}

/// Draws context and prediction, context and truth, and the squared error, as `[3, height, width]`.
///
/// A row is as long as the whole sequence. Before the errors stand black frames, as many as are
/// *predicted* and not as many as are given, so the third row is shifted where the two differ; with
/// more predicted than given frames it runs over into a fourth.
///
/// The original draws the first sequence of a batch and fails for a batch of one, because `squeeze`
/// has removed the axis that it then indexes. Here a sequence is the argument.
pub fn picture_grid(example: &GridExample<'_>) -> Tensor {
    let GridExample { context, prediction, truth } = example;
    let error = (*prediction - *truth).pow_tensor_scalar(2).detach();
    let black = error.zeros_like();
    let pictures = Tensor::cat(&[context, prediction, context, truth, &black, &error], 0);
    make_grid(&pictures, context.size()[0] + prediction.size()[0])
}

/// Lays pictures `[N, 1 or 3, H, W]` out in rows of `columns`; grey becomes red = green = blue.
fn make_grid(pictures: &Tensor, columns: i64) -> Tensor {
    let (count, channels, height, width) = pictures.size4().expect("pictures are [N, C, H, W]");
    let pictures = if channels == 1 { pictures.repeat([1, 3, 1, 1]) } else { pictures.copy() };
    let columns = columns.min(count);
    let rows = (count + columns - 1) / columns;
    let (cell_height, cell_width) = (height + PADDING, width + PADDING);
    let grid = pictures.new_full(
        [pictures.size()[1], rows * cell_height + PADDING, columns * cell_width + PADDING],
        PAD_VALUE,
        (pictures.kind(), pictures.device()),
    );
    for k in 0..count {
        let (row, column) = (k / columns, k % columns);
        grid.narrow(1, row * cell_height + PADDING, height)
            .narrow(2, column * cell_width + PADDING, width)
            .copy_(&pictures.get(k));
    }
    grid
}
