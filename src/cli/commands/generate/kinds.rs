//! Kinds of output files.

use clap::ValueEnum;

/// A kind of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum GeneratedKind {
    /// An animation, 256 colours
    Gif,
    /// An animation, all colours
    Apng,
    /// Every frame as an image
    Png,
    /// A strip per row: a line per column, frame by frame
    Strip,
    /// All strips as one image; for keypoints, all images
    Sheet,
    /// All numbers as an archive of NumPy arrays
    Npz,
    /// All numbers as NumPy arrays
    Npy,
    /// Keypoints as a table
    Csv,
}

impl GeneratedKind {
    /// Kinds for videos.
    pub(super) const OF_VIDEOS: [Self; 7] =
        [Self::Gif, Self::Apng, Self::Png, Self::Strip, Self::Sheet, Self::Npz, Self::Npy];
    /// Kinds for videos if none is asked for.
    pub(super) const USUAL_OF_VIDEOS: [Self; 3] = [Self::Gif, Self::Strip, Self::Npz];
    /// Kinds for keypoints.
    pub(super) const OF_KEYPOINTS: [Self; 4] = [Self::Sheet, Self::Csv, Self::Npz, Self::Npy];
    /// Kinds for keypoints if none is asked for.
    pub(super) const USUAL_OF_KEYPOINTS: [Self; 3] = [Self::Sheet, Self::Csv, Self::Npz];

    /// Returns the name on the command line.
    pub(super) fn name(self) -> String {
        let value = self.to_possible_value().expect("no kind is hidden");
        value.get_name().to_owned()
    }
}
