//! Which frames training sees (`VideoDataset` and `ImageDataset` of the original's `data.py`).

/// Where a video may be cut out of a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Every n-th frame from any of so many starts, each as likely.
    SubSampled {
        /// Number of starts; the first is frame 0.
        starts: u64,
    },
    /// The clip is too short for that: its first frames, one after the other.
    Leading,
}

/// Returns how a video of `length` frames is cut out of a clip of `frames`; nothing if it is shorter.
///
/// The original sub-samples a clip of at least `length · every_nth` frames. Its `train.py` has an
/// option for `every_nth` and always takes 2.
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

/// Returns the frames of a video that is sub-sampled from `start`.
pub fn sub_sampled(start: usize, length: usize, every_nth: usize) -> Vec<usize> {
    (0..length).map(|t| start + t * every_nth).collect()
}

/// Returns the clip and the frame behind number `item` of all frames, counted as the original counts.
///
/// It is off by one: number 0 and number 1 are the first frame of the first clip, and the last frame
/// of the last clip has no number.
///
/// # Panics
/// If there are no clips, or not so many frames.
pub fn image_at(lengths: &[usize], item: usize) -> (usize, usize) {
    let mut before = 0;
    for (clip, &frames) in lengths.iter().enumerate() {
        if item <= before + frames {
            return (clip, item.saturating_sub(before + 1));
        }
        before += frames;
    }
    panic!("frame {item} of {before}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_clips_are_sub_sampled_and_short_ones_are_not() {
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
