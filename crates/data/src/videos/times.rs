//! What files state about the times of their frames.

use std::collections::BTreeMap;

use super::VIDEO_BYTES_MAX;
use crate::{findings::Findings, video_set::Video, videos::VideoFormatError};
use reprise_base::{config::data::VideoTiming, text::count};

/// Units of a delay per second.
const HUNDREDTHS: f64 = 100.0;

/// What a file states about the times of its frames.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum FrameTimes {
    /// AVI.
    Even {
        /// Frames per second, if stated.
        rate: Option<f64>,
        /// Frames that repeat the one before them.
        repeated: u64,
    },
    /// GIF: hundredths of a second for which each frame is shown.
    Delays(Vec<u16>),
}

impl FrameTimes {
    fn delays(&self) -> &[u16] {
        match self {
            Self::Even { .. } => &[],
            Self::Delays(delays) => delays,
        }
    }

    fn is_uneven(&self) -> bool {
        self.delays().windows(2).any(|pair| pair[0] != pair[1])
    }

    /// Returns the frames per second, if all frames are shown equally long.
    fn rate(&self) -> Option<f64> {
        match self {
            Self::Even { rate, .. } => *rate,
            Self::Delays(delays) => {
                let delay = delays.first().filter(|&&delay| delay > 0 && !self.is_uneven())?;
                Some(HUNDREDTHS / f64::from(*delay))
            }
        }
    }

    /// Repeats each frame for as many units as it is shown, at least one. `pixels` is `[T, S, S, 3]`, of
    /// which a frame has `frame_bytes`.
    pub(super) fn expand(
        &self,
        unit: u16,
        pixels: &mut Vec<u8>,
        frame_bytes: usize,
    ) -> Result<(), VideoFormatError> {
        let times = |&delay: &u16| usize::from((delay / unit).max(1));
        let frames: usize = self.delays().iter().map(times).sum();
        if frames * frame_bytes > VIDEO_BYTES_MAX {
            return Err(VideoFormatError::TooLong);
        }
        if let Self::Delays(delays) = self {
            let shown = pixels.chunks_exact(frame_bytes).zip(delays);
            *pixels = shown.flat_map(|(frame, delay)| frame.repeat(times(delay))).collect();
        }
        Ok(())
    }
}

/// Returns the longest time that divides all delays of all videos, at least 1.
pub(super) fn unit<'a>(videos: impl Iterator<Item = &'a FrameTimes>) -> u16 {
    videos.flat_map(FrameTimes::delays).copied().fold(0, greatest_common_divisor).max(1)
}

const fn greatest_common_divisor(a: u16, b: u16) -> u16 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// Describes the times of all videos, and warns of those that training does not see.
pub(super) fn describe(
    videos: &[(Video, FrameTimes)],
    timing: VideoTiming,
    findings: &mut Findings,
) {
    let expanded = timing == VideoTiming::Expand;
    let unit = unit(videos.iter().map(|(_, times)| times));
    let rate = |times: &FrameTimes| match times {
        FrameTimes::Delays(delays) if expanded && delays.iter().any(|&delay| delay > 0) => {
            Some(HUNDREDTHS / f64::from(unit))
        }
        times => times.rate(),
    };
    let mut rates: BTreeMap<String, u64> = BTreeMap::new();
    for rate in videos.iter().filter_map(|(_, times)| rate(times)) {
        *rates.entry(format!("{rate:.3}")).or_default() += 1;
    }
    let short = |rate: &str| rate.trim_end_matches('0').trim_end_matches('.').to_owned();
    let rates: Vec<String> = rates
        .iter()
        .map(|(rate, videos)| format!("{} ({})", short(rate), count(*videos, "video")))
        .collect();
    if !rates.is_empty() {
        findings.fact("frames per second", rates.join(", "));
    }
    if rates.len() > 1 {
        findings.warn("videos have different frame rates; every frame is used once".to_owned());
    }
    let repeated: u64 = videos
        .iter()
        .map(|(_, times)| match times {
            FrameTimes::Even { repeated, .. } => *repeated,
            FrameTimes::Delays(_) => 0,
        })
        .sum();
    if repeated > 0 {
        let repeated = count(repeated, "empty frame");
        findings.fact("repeated frames", format!("{repeated} repeat the frame before"));
    }
    let uneven: Vec<&Video> =
        videos.iter().filter(|(_, times)| times.is_uneven()).map(|(video, _)| video).collect();
    if let Some(first) = uneven.first() {
        let videos = count(uneven.len(), "video");
        if expanded {
            let text = format!("frames of {videos} repeated for as long as they are shown");
            findings.fact("times of frames", text);
        } else {
            findings.warn(format!(
                "the frames of {videos} are shown for different times, but each is used once, first \
                 `{}`: repeat them with `--set data.dataset.videos.timing=expand`",
                first.path.display()
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_videos_are_repeated_in_the_same_unit() {
        let videos = [[10, 10], [4, 6]].map(|delays| FrameTimes::Delays(delays.to_vec()));
        let unit = unit(videos.iter());
        let expanded = videos.map(|times| {
            let mut pixels = vec![1, 2];
            times.expand(unit, &mut pixels, 1).unwrap();
            pixels
        });
        assert_eq!(expanded, [vec![1, 1, 1, 1, 1, 2, 2, 2, 2, 2], vec![1, 1, 2, 2, 2]]);
    }

    #[test]
    fn a_delay_of_nothing_is_one_unit() {
        let times = FrameTimes::Delays(vec![0, 8, 0]);
        let mut pixels = vec![1, 2, 3];
        times.expand(unit([&times].into_iter()), &mut pixels, 1).unwrap();
        assert_eq!(pixels, [1, 2, 3]);
        let long = FrameTimes::Delays(vec![1, u16::MAX]);
        let error = long.expand(1, &mut vec![0; 2 << 10], 1 << 10).unwrap_err();
        assert!(matches!(error, VideoFormatError::TooLong));
    }
}
