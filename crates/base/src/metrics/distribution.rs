//! Distances between two sets of videos, whose members have no counterparts.
//!
//! Features of a pretrained network, as in the Fréchet video distance, would be finer but need a
//! download. Here a video is described by means over blocks of pixels and by their changes from frame
//! to frame. A video is `[T, H, W, C]`, 8-bit.

/// Blocks along each edge of a frame.
pub const BLOCKS: usize = 8;

/// Largest value of an 8-bit colour channel.
const BYTE_MAX: f64 = 255.0;

/// The shape of a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VideoShape {
    pub frames: usize,
    /// A multiple of [`BLOCKS`].
    pub height: usize,
    /// A multiple of [`BLOCKS`].
    pub width: usize,
    pub channels: usize,
}

impl VideoShape {
    /// Returns the number of values of a video.
    pub const fn len(&self) -> usize {
        self.frames * self.height * self.width * self.channels
    }

    /// Returns whether a video has no values.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The features of a video.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// Means over blocks, `[T, 8, 8, C]`, in [0, 1].
    pub blocks: Vec<f64>,
    /// Their changes from frame to frame, `[T − 1, 8, 8, C]`.
    pub motion: Vec<f64>,
    /// Mean over time of the absolute changes, `[8, 8, C]`: where something moves.
    pub motion_energy: Vec<f64>,
}

impl Described {
    /// Describes a video.
    ///
    /// # Panics
    /// If its length does not fit the shape, or a frame cannot be divided into blocks.
    pub fn new(video: &[u8], shape: VideoShape) -> Self {
        let VideoShape { frames, height, width, channels } = shape;
        assert_eq!(video.len(), shape.len(), "a video is [T, H, W, C]");
        assert!(
            height.is_multiple_of(BLOCKS) && width.is_multiple_of(BLOCKS) && !shape.is_empty(),
            "a frame has whole blocks"
        );
        let frame_values = BLOCKS * BLOCKS * channels;
        let mut blocks = vec![0.0; frames * frame_values];
        for (row, pixels) in video.chunks_exact(width * channels).enumerate() {
            let (frame, y) = (row / height, row % height);
            let first = (frame * BLOCKS + y * BLOCKS / height) * BLOCKS;
            for (x, pixel) in pixels.chunks_exact(channels).enumerate() {
                let at = (first + x * BLOCKS / width) * channels;
                for (sum, &value) in blocks[at..at + channels].iter_mut().zip(pixel) {
                    *sum += f64::from(value);
                }
            }
        }
        let pixels = (height / BLOCKS * (width / BLOCKS)) as f64;
        for sum in &mut blocks {
            *sum /= pixels * BYTE_MAX;
        }
        Self::of_blocks(blocks, frame_values)
    }

    /// Describes the mean of several videos.
    ///
    /// # Panics
    /// If there are none, or they differ in shape.
    pub fn mean(videos: &[Self]) -> Self {
        let first = videos.first().expect("there is a video");
        let frame_values = first.motion_energy.len();
        let mut blocks = vec![0.0; first.blocks.len()];
        for video in videos {
            assert_eq!(video.blocks.len(), blocks.len(), "videos have one shape");
            for (sum, value) in blocks.iter_mut().zip(&video.blocks) {
                *sum += value / videos.len() as f64;
            }
        }
        Self::of_blocks(blocks, frame_values)
    }

    fn of_blocks(blocks: Vec<f64>, frame_values: usize) -> Self {
        let motion: Vec<f64> = blocks
            .iter()
            .skip(frame_values)
            .zip(&blocks)
            .map(|(now, before)| now - before)
            .collect();
        let mut motion_energy = vec![0.0; frame_values];
        let changes_count = (motion.len() / frame_values) as f64;
        for changes in motion.chunks_exact(frame_values) {
            for (sum, change) in motion_energy.iter_mut().zip(changes) {
                *sum += change.abs() / changes_count;
            }
        }
        Self { blocks, motion, motion_energy }
    }
}

/// Returns the energy distance of two sets of vectors (Székely & Rizzo 2013, as V-statistic).
///
/// ```text
/// |x − y| = √(mean over elements of (x − y)²)
/// E(X, Y) = 2/(n m) Σ_ij |x_i − y_j| − 1/n² Σ_ij |x_i − x_j| − 1/m² Σ_ij |y_i − y_j|
/// ```
/// It is 0 for equal sets, never negative, and positive for a set with the right mean but too little
/// spread.
///
/// # Panics
/// If a set is empty or vectors differ in length.
pub fn energy_distance(xs: &[&[f64]], ys: &[&[f64]]) -> f64 {
    2.0 * mean_distance(xs, ys) - mean_distance(xs, xs) - mean_distance(ys, ys)
}

fn mean_distance(xs: &[&[f64]], ys: &[&[f64]]) -> f64 {
    assert!(!xs.is_empty() && !ys.is_empty(), "a set has a vector");
    let rows = xs.iter().map(|x| ys.iter().map(|y| distance(x, y)).sum::<f64>());
    rows.sum::<f64>() / (xs.len() * ys.len()) as f64
}

fn distance(x: &[f64], y: &[f64]) -> f64 {
    assert_eq!(x.len(), y.len(), "vectors have one length");
    let squares = x.iter().zip(y).map(|(x, y)| (x - y) * (x - y)).sum::<f64>();
    (squares / x.len() as f64).sqrt()
}

/// The mean vector of each class.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassMeans(Vec<Vec<f64>>);

impl ClassMeans {
    /// Returns the mean of each class in `0..classes`, `None` if a class has no vector.
    ///
    /// # Panics
    /// If vectors differ in length.
    pub fn of<'a>(
        classes: usize,
        vectors: impl IntoIterator<Item = (usize, &'a [f64])>,
    ) -> Option<Self> {
        let mut sums: Vec<(f64, Vec<f64>)> = vec![(0.0, Vec::new()); classes];
        for (class, vector) in vectors {
            let (count, sum) = sums.get_mut(class)?;
            sum.resize(vector.len(), 0.0);
            *count += 1.0;
            for (sum, value) in sum.iter_mut().zip(vector) {
                *sum += value;
            }
        }
        let mean = |(count, sum): (f64, Vec<f64>)| {
            (count > 0.0).then(|| sum.into_iter().map(|value| value / count).collect())
        };
        sums.into_iter().map(mean).collect::<Option<_>>().map(Self)
    }

    /// Returns the class with the nearest mean, the first of several.
    pub fn nearest(&self, vector: &[f64]) -> usize {
        let distances = self.0.iter().map(|mean| distance(mean, vector));
        distances.enumerate().min_by(|(_, a), (_, b)| a.total_cmp(b)).map_or(0, |(class, _)| class)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(set: &[Vec<f64>]) -> Vec<&[f64]> {
        set.iter().map(Vec::as_slice).collect()
    }

    proptest! {
        #[test]
        fn it_is_zero_for_equal_sets_symmetric_and_never_negative(
            xs in prop::collection::vec(prop::collection::vec(-1.0..1.0_f64, 3), 1..6),
            ys in prop::collection::vec(prop::collection::vec(-1.0..1.0_f64, 3), 1..6),
        ) {
            let (xs, ys) = (rows(&xs), rows(&ys));
            prop_assert!(energy_distance(&xs, &xs).abs() < 1e-12);
            prop_assert!((energy_distance(&xs, &ys) - energy_distance(&ys, &xs)).abs() < 1e-12);
            prop_assert!(energy_distance(&xs, &ys) > -1e-12);
        }
    }

    #[test]
    fn it_grows_with_the_distance_and_detects_a_set_that_is_too_narrow() {
        let set = |shift: f64, spread: f64| -> Vec<Vec<f64>> {
            [-1.0, 0.0, 1.0].iter().map(|at| vec![shift + spread * at, 0.0]).collect()
        };
        let from_wide = |other: &[Vec<f64>]| energy_distance(&rows(&set(0.0, 1.0)), &rows(other));
        let [near, far, narrow] = [set(0.5, 1.0), set(2.0, 1.0), set(0.0, 0.0)];
        assert!(0.0 < from_wide(&near) && from_wide(&near) < from_wide(&far));
        assert!(from_wide(&narrow) > from_wide(&set(0.0, 0.9)));
    }

    #[test]
    fn a_point_that_moves_has_motion_where_it_was_and_where_it_is() {
        let shape = VideoShape { frames: 2, height: 8, width: 16, channels: 1 };
        let mut video = vec![0; shape.len()];
        video[0] = 255;
        video[128 + 15] = 255;
        let described = Described::new(&video, shape);
        let seen: Vec<_> = (0..64).filter(|&at| described.motion[at] != 0.0).collect();
        assert_eq!(seen, [0, 7]);
        assert_eq!((described.blocks[0], described.motion[7]), (0.5, 0.5));
        assert_eq!((described.motion_energy[0], described.motion_energy[1]), (0.5, 0.0));
    }

    #[test]
    fn a_vector_belongs_to_the_nearest_mean_of_classes_that_all_have_one() {
        let of = |vectors: &[(usize, [f64; 1])]| {
            ClassMeans::of(2, vectors.iter().map(|(class, vector)| (*class, &vector[..])))
        };
        let means = of(&[(0, [0.0]), (0, [2.0]), (1, [5.0])]).expect("both have vectors");
        assert_eq!([means.nearest(&[2.9]), means.nearest(&[3.1])], [0, 1]);
        assert_eq!(of(&[(0, [0.0])]), None);
    }
}
