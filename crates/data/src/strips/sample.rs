//! The frames that training takes from videos (`VideoDataset` and `ImageDataset` of the original's `data.py`).

/// How an excerpt is cut out of a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Every n-th frame from a start drawn uniformly from `0..starts`.
    SubSampled { starts: u64 },
    /// The first frames without gaps, because the video is too short to skip frames.
    Leading,
}

/// Returns how an excerpt of `length` frames is cut out of a video of `frames`; `None` if the video is
/// shorter.
///
/// The original sub-samples videos of at least `length · every_nth` frames. Its `train.py` has an
/// option for `every_nth` but always uses 2.
pub fn cut(frames: usize, length: usize, every_nth: usize) -> Option<Cut> {
    if frames >= length * every_nth {
        let needed = every_nth * (length - 1);
        Some(Cut::SubSampled { starts: (frames - needed) as u64 })
    } else if frames >= length {
        Some(Cut::Leading)
    } else {
        None
    }
}

/// Returns the frames of an excerpt that is sub-sampled from `start`.
pub fn sub_sampled(start: usize, length: usize, every_nth: usize) -> Vec<usize> {
    (0..length).map(|t| start + t * every_nth).collect()
}

/// Returns the video and the frame of number `item` among all frames, as the original counts them.
///
/// Its count is off by one: numbers 0 and 1 are both the first frame of the first video, and the last
/// frame of the last video has no number.
///
/// # Panics
/// If there are no videos, or `item` is above the number of frames.
pub fn image_at(lengths: &[usize], item: usize) -> (usize, usize) {
    let mut before = 0;
    for (video, &frames) in lengths.iter().enumerate() {
        if item <= before + frames {
            return (video, item.saturating_sub(before + 1));
        }
        before += frames;
    }
    panic!("frame {item} of {before}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_videos_are_sub_sampled_and_short_ones_are_not() {
        assert_eq!(cut(40, 16, 2), Some(Cut::SubSampled { starts: 10 }));
        assert_eq!(cut(32, 16, 2), Some(Cut::SubSampled { starts: 2 }));
        assert_eq!(cut(31, 16, 2), Some(Cut::Leading));
        assert_eq!(cut(15, 16, 2), None);
    }

    #[test]
    fn the_last_start_ends_at_the_last_frame() {
        let Some(Cut::SubSampled { starts }) = cut(45, 16, 2) else { panic!("it is long enough") };
        let last = usize::try_from(starts - 1).unwrap();
        assert_eq!(sub_sampled(last, 16, 2).last(), Some(&44));
    }

    #[test]
    fn the_first_frame_has_two_numbers_and_the_last_none() {
        let numbered: Vec<_> = (0..5).map(|item| image_at(&[3, 2], item)).collect();
        assert_eq!(numbered, [(0, 0), (0, 0), (0, 1), (0, 2), (1, 0)]);
    }
}
