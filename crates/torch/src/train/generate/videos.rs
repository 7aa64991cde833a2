//! Videos of MoCoGAN with chosen content, motion and category.

use super::made::{GeneratedRow, GeneratedVideos, array};
use crate::{
    libtorch::convert::to_host,
    train::{
        batch,
        error::TrainError,
        mocogan::{
            MocoganSystem,
            sample::{GridCodes, GridProblem},
        },
        system::System as _,
        systems::check_protocol,
        trained::Trained,
    },
};
use reprise_base::{
    config::{model::MocoganSpec, protocol::Protocol},
    scalar::Count,
};
use reprise_data::Pack;

/// Which videos to make: every content with every motion.
#[derive(Clone, Copy, Debug)]
pub struct CodeGrid<'a> {
    pub pack: &'a Pack,
    pub protocol: Protocol,
    /// Number of contents, one per row.
    pub contents: Count,
    /// Number of motions of each category, one per column.
    pub motions: Count,
    /// Frames of a video, those of training if not given.
    pub frames: Option<Count>,
    /// Names of categories, all if empty.
    pub categories: &'a [String],
}

/// Makes videos: a row per content, a column per motion and category.
///
/// Content `i` and motion `j` are those of videos `i` and `j` of an evaluation. Arrays: `videos` `[A, B, T, C, H, W]`,
/// pixels in (0, 1).
///
/// # Errors
/// If the weights do not fit the model, or the model cannot make these videos.
pub fn videos(
    trained: Trained<'_>,
    mocogan: &MocoganSpec,
    grid: CodeGrid<'_>,
) -> Result<GeneratedVideos, TrainError> {
    let Trained { spec, tensors, device } = trained;
    let CodeGrid { pack, protocol, contents, motions, frames, categories } = grid;
    check_protocol(spec, &protocol, pack)?;
    let mut system = MocoganSystem::new(spec, mocogan, pack, device);
    system.state_mut().load_model(tensors)?;
    let known = system.category_names();
    let chosen = |name: &String| {
        let at = known.iter().position(|known| known == name);
        at.ok_or_else(|| match known.as_slice() {
            [] => GridProblem::NoCategories,
            _ => GridProblem::Category { name: name.clone(), known: known.clone() },
        })
    };
    let codes: Vec<usize> = match categories {
        [] => (0..known.len().max(1)).collect(),
        names => names.iter().map(chosen).collect::<Result<_, _>>()?,
    };
    let frames = frames.unwrap_or(mocogan.video_length);
    if let Some(most) = system.frames_max()
        && frames.size() > most
    {
        return Err(GridProblem::TooManyFrames { asked: frames.get(), most }.into());
    }

    let columns = motions.len() * codes.len();
    let asked = GridCodes {
        contents: contents.len(),
        categories: (0..columns).map(|column| codes[column % codes.len()]).collect(),
        frames,
    };
    let made = system.grid(protocol, &asked); // [A·B, T, C, S, S]
    let bytes = batch::to_bytes(&made.movedim_int(-3, -1)).contiguous(); // [A·B, T, S, S, C]
    let mut each = (0..made.size()[0]).map(|n| to_host::<u8>(&bytes.select(0, n)));
    let row = |content: usize| GeneratedRow {
        name: format!("content {content}"),
        videos: each.by_ref().take(columns).collect(),
    };
    let rows = (1..=contents.len()).map(row).collect();
    let name = |column: usize| {
        let motion = format!("motion {}", column / codes.len() + 1);
        match known.get(codes[column % codes.len()]) {
            Some(category) => format!("{category}, {motion}"),
            None => motion,
        }
    };
    let [height, width, channels] = pack.frame_shape();
    let shape = [contents.len(), columns, frames.len(), channels, height, width];
    Ok(GeneratedVideos {
        shape: [frames.len(), height, width, channels],
        columns: (0..columns).map(name).collect(),
        rows,
        context: None,
        arrays: vec![("videos".to_owned(), array(&shape, to_host(&made)))],
    })
}
