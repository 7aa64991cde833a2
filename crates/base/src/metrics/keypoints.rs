//! Errors of predicted keypoints.

/// A keypoint and its columns of coordinates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keypoint {
    /// The name of its columns without `_x` and `_y`.
    pub name: String,
    /// Its columns, in the order of the table.
    pub columns: Vec<usize>,
}

/// Groups columns such as `nose_tip_x` and `nose_tip_y` into keypoints, in the order of their first.
pub fn keypoints(columns: &[String]) -> Vec<Keypoint> {
    let mut keypoints: Vec<Keypoint> = Vec::new();
    for (column, name) in columns.iter().enumerate() {
        let name = name.strip_suffix("_x").or_else(|| name.strip_suffix("_y")).unwrap_or(name);
        match keypoints.iter_mut().find(|keypoint| keypoint.name == name) {
            Some(keypoint) => keypoint.columns.push(column),
            None => keypoints.push(Keypoint { name: name.to_owned(), columns: vec![column] }),
        }
    }
    keypoints
}

/// Squared errors of coordinates, one row per image.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SquaredErrors(Vec<Vec<f64>>);

impl SquaredErrors {
    /// Adds an image: `(y − ŷ)²` of every coordinate, in `f64`.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn add<T: Copy + Into<f64>>(&mut self, truth: &[f32], prediction: &[T]) {
        assert_eq!(truth.len(), prediction.len(), "every coordinate is predicted");
        let squared = |(y, p): (&f32, &T)| (f64::from(*y) - (*p).into()).powi(2);
        self.0.push(truth.iter().zip(prediction).map(squared).collect());
    }

    /// Returns the mean over all coordinates of all images.
    pub fn mean(&self) -> f64 {
        mean(self.0.iter().flatten().copied())
    }

    /// Returns the mean over the coordinates of each image.
    pub fn by_image(&self) -> Vec<f64> {
        self.0.iter().map(|row| mean(row.iter().copied())).collect()
    }

    /// Returns the mean over the coordinates of a keypoint in all images.
    pub fn of(&self, keypoint: &Keypoint) -> f64 {
        mean(self.0.iter().flat_map(|row| keypoint.columns.iter().map(|&column| row[column])))
    }
}

/// Returns the mean; sums run in the order given.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (count, sum) = values.fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
    sum / count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn columns_of_a_keypoint_need_not_be_adjacent() {
        let found = keypoints(&columns(&["eye_x", "nose_y", "eye_y", "chin"]));
        let found: Vec<_> =
            found.iter().map(|it| (it.name.as_str(), it.columns.as_slice())).collect();
        assert_eq!(found, [("eye", &[0, 2][..]), ("nose", &[1]), ("chin", &[3])]);
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "small integers are exact")]
    fn errors_of_keypoints_average_to_the_error_of_all() {
        let names = columns(&["eye_x", "eye_y", "nose_x", "nose_y"]);
        let mut errors = SquaredErrors::default();
        errors.add(&[0.0, 0.0, 1.0, 1.0], &[3.0_f32, 5.0, 1.0, 1.0]);
        errors.add(&[2.0, 2.0, 2.0, 2.0], &[2.0_f32, 2.0, 2.0, 4.0]);
        let by_keypoint: Vec<f64> =
            keypoints(&names).iter().map(|keypoint| errors.of(keypoint)).collect();
        assert_eq!(by_keypoint, [(9.0 + 25.0) / 4.0, 4.0 / 4.0]);
        assert_eq!(errors.by_image(), [(9.0 + 25.0) / 4.0, 1.0]);
        assert_eq!(errors.mean(), 38.0 / 8.0);
    }
}
