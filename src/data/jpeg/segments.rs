//! Marker segments: tables, the frame header and the scans, in whatever order they come.

use super::{
    JpegFault, PIXELS_MAX,
    entropy::{self, HuffmanTable, Scan},
};

/// Samples along a side of a block.
pub(super) const BLOCK: usize = 8;

/// Coefficients of a block in natural order.
pub(super) type Block = [i16; BLOCK * BLOCK];

/// Most scans; a progressive picture has about ten, and every scan visits the whole picture.
const SCANS_MAX: usize = 100;

/// Position of the coefficients, in the order in which they are coded, within a block.
pub(super) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// How components are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colours {
    Grey,
    Rgb,
    /// Luminance and two differences, as in JFIF.
    YCbCr,
}

/// In how many passes the coefficients of a component are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passes {
    One,
    /// Band by band and bit by bit.
    Progressive,
}

/// A picture as coefficients.
pub(super) struct Image {
    pub(super) height: usize,
    pub(super) width: usize,
    /// Largest sampling factors, down and across.
    pub(super) sampling_max: [usize; 2],
    pub(super) passes: Passes,
    pub(super) components: Vec<Component>,
    pub(super) colours: Colours,
}

/// One component of a picture.
pub(super) struct Component {
    id: u8,
    /// Sampling factors, down and across.
    pub(super) sampling: [usize; 2],
    quantization: usize,
    /// Steps of the coefficients in natural order, once a scan has begun.
    pub(super) steps: Option<[u16; 64]>,
    /// Rows and columns of samples that belong to the picture.
    pub(super) size: [usize; 2],
    /// Rows and columns of blocks that belong to the picture.
    pub(super) blocks: [usize; 2],
    /// Columns of blocks that are kept, which fill whole groups.
    pub(super) stride: usize,
    pub(super) coefficients: Vec<Block>,
}

/// What segments have defined so far.
#[derive(Default)]
pub(super) struct Tables {
    quantization: [Option<[u16; 64]>; 4],
    pub(super) dc: [Option<HuffmanTable>; 4],
    pub(super) ac: [Option<HuffmanTable>; 4],
    /// Groups between restart markers; 0 if there are none.
    pub(super) restart: usize,
    jfif: bool,
    adobe_transform: Option<u8>,
}

/// What is left of a file, or of a segment.
struct Bytes<'a> {
    rest: &'a [u8],
    on_end: JpegFault,
}

impl<'a> Bytes<'a> {
    fn u8(&mut self) -> Result<u8, JpegFault> {
        Ok(self.take(1)?[0])
    }

    fn u16(&mut self) -> Result<usize, JpegFault> {
        let bytes = self.take(2)?;
        Ok(usize::from(u16::from_be_bytes([bytes[0], bytes[1]])))
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8], JpegFault> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or(self.on_end)?;
        self.rest = rest;
        Ok(taken)
    }

    fn segment(&mut self, name: &'static str) -> Result<Bytes<'a>, JpegFault> {
        let on_end = JpegFault::Segment { segment: name };
        let length = self.u16()?.checked_sub(2).ok_or(on_end)?;
        Ok(Bytes { rest: self.take(length)?, on_end })
    }
}

/// Reads a file up to its end marker.
pub(super) fn read(file: &[u8]) -> Result<Image, JpegFault> {
    if file.is_empty() {
        return Err(JpegFault::Empty);
    }
    let mut bytes = Bytes { rest: file, on_end: JpegFault::Truncated };
    if file.get(..3) != Some(&[0xff, 0xd8, 0xff]) {
        return Err(JpegFault::NotJpeg);
    }
    bytes.take(2)?;
    let mut tables = Tables::default();
    let mut image: Option<Image> = None;
    let mut scans = 0;
    loop {
        match marker(file, &mut bytes)? {
            0xd9 => break,
            0xda => {
                scans += 1;
                let image = image.as_mut().ok_or(JpegFault::Segment { segment: "order" })?;
                if scans > SCANS_MAX {
                    return Err(JpegFault::Unsupported { what: "a picture of too many scans" });
                }
                let scan = scan_header(&mut bytes.segment("scan header")?, image, &tables)?;
                bytes.rest = entropy::decode(bytes.rest, image, &scan, &tables)?;
            }
            0xc0..=0xc2 if image.is_some() => {
                return Err(JpegFault::Segment { segment: "second frame header" });
            }
            code @ 0xc0..=0xc2 => {
                let mut header = bytes.segment("frame header")?;
                let passes = if code == 0xc2 { Passes::Progressive } else { Passes::One };
                image = Some(frame_header(&mut header, passes)?);
            }
            0xc4 => huffman_tables(&mut bytes.segment("Huffman table")?, &mut tables)?,
            0xc9..=0xcc => {
                return Err(JpegFault::Unsupported { what: "coded arithmetically" });
            }
            0xc3 | 0xc5..=0xcf | 0xdc | 0xde | 0xdf => {
                return Err(JpegFault::Unsupported { what: "lossless or hierarchical" });
            }
            0xdb => quantization_tables(&mut bytes.segment("quantization table")?, &mut tables)?,
            0xdd => tables.restart = bytes.segment("restart interval")?.u16()?,
            0xe0 => {
                let segment = bytes.segment("application data")?;
                tables.jfif |= segment.rest.starts_with(b"JFIF\0");
            }
            0xee => {
                let segment = bytes.segment("application data")?;
                if segment.rest.starts_with(b"Adobe") && segment.rest.len() >= 12 {
                    tables.adobe_transform = Some(segment.rest[11]);
                }
            }
            0xe1..=0xef | 0xfe => {
                bytes.segment("application data")?;
            }
            _ => return Err(JpegFault::Segment { segment: "marker" }),
        }
    }
    let mut image = image.ok_or(JpegFault::Truncated)?;
    if image.components.iter().any(|component| component.steps.is_none()) {
        return Err(JpegFault::Truncated);
    }
    image.colours = colours(&image, &tables);
    Ok(image)
}

/// Returns the code of the next marker; any number of 0xff may stand before it.
fn marker(file: &[u8], bytes: &mut Bytes<'_>) -> Result<u8, JpegFault> {
    let offset = file.len() - bytes.rest.len();
    if bytes.u8()? != 0xff {
        return Err(JpegFault::NoMarker { offset });
    }
    loop {
        match bytes.u8()? {
            0xff => {}
            0 => return Err(JpegFault::NoMarker { offset }),
            code => return Ok(code),
        }
    }
}

fn frame_header(segment: &mut Bytes<'_>, passes: Passes) -> Result<Image, JpegFault> {
    let invalid = segment.on_end;
    if segment.u8()? != 8 {
        return Err(JpegFault::Unsupported { what: "not of 8-bit samples" });
    }
    let (height, width) = (segment.u16()?, segment.u16()?);
    if height == 0 || width == 0 {
        return Err(invalid);
    }
    if (height * width) as u64 > PIXELS_MAX {
        return Err(JpegFault::TooLarge { width, height });
    }
    let count = segment.u8()?;
    if count != 1 && count != 3 {
        return Err(JpegFault::Unsupported { what: "neither grey nor of three components" });
    }
    let mut components: Vec<Component> = Vec::new();
    for _ in 0..count {
        let [id, sampling, quantization] = [segment.u8()?, segment.u8()?, segment.u8()?];
        let sampling = [usize::from(sampling & 15), usize::from(sampling >> 4)];
        let known = components.iter().any(|component| component.id == id);
        if known || quantization > 3 || sampling.iter().any(|factor| !(1..=4).contains(factor)) {
            return Err(invalid);
        }
        components.push(Component {
            id,
            sampling,
            quantization: usize::from(quantization),
            steps: None,
            size: [0; 2],
            blocks: [0; 2],
            stride: 0,
            coefficients: Vec::new(),
        });
    }
    if !segment.rest.is_empty() {
        return Err(invalid);
    }
    let sampling_max =
        [0, 1].map(|axis| components.iter().map(|c| c.sampling[axis]).max().unwrap_or(1));
    let extent = [height, width];
    let groups = [0, 1].map(|axis| extent[axis].div_ceil(BLOCK * sampling_max[axis]));
    for component in &mut components {
        if (0..2).any(|axis| !sampling_max[axis].is_multiple_of(component.sampling[axis])) {
            return Err(JpegFault::Unsupported { what: "of fractional sampling" });
        }
        let factors = component.sampling;
        component.size =
            [0, 1].map(|axis| (extent[axis] * factors[axis]).div_ceil(sampling_max[axis]));
        component.blocks = component.size.map(|samples| samples.div_ceil(BLOCK));
        component.stride = groups[1] * factors[1];
        component.coefficients = vec![[0; 64]; groups[0] * factors[0] * component.stride];
    }
    let colours = Colours::Grey;
    Ok(Image { height, width, sampling_max, passes, components, colours })
}

/// Chooses as libjpeg does: by marker, else by the names of the components.
fn colours(image: &Image, tables: &Tables) -> Colours {
    let ids: Vec<_> = image.components.iter().map(|component| component.id).collect();
    match (ids.as_slice(), tables.jfif, tables.adobe_transform) {
        ([_], ..) => Colours::Grey,
        (_, false, Some(0)) | (b"RGB", false, None) => Colours::Rgb,
        _ => Colours::YCbCr,
    }
}

fn quantization_tables(segment: &mut Bytes<'_>, tables: &mut Tables) -> Result<(), JpegFault> {
    while !segment.rest.is_empty() {
        let kind = segment.u8()?;
        let (precision, number) = (kind >> 4, usize::from(kind & 15));
        if precision > 1 || number > 3 {
            return Err(segment.on_end);
        }
        let mut steps = [0; 64];
        for at in ZIGZAG {
            let step = if precision == 0 { u16::from(segment.u8()?) } else { wide(segment)? };
            steps[usize::from(at)] = step;
        }
        tables.quantization[number] = Some(steps);
    }
    Ok(())
}

fn wide(segment: &mut Bytes<'_>) -> Result<u16, JpegFault> {
    Ok(u16::from_be_bytes([segment.u8()?, segment.u8()?]))
}

fn huffman_tables(segment: &mut Bytes<'_>, tables: &mut Tables) -> Result<(), JpegFault> {
    while !segment.rest.is_empty() {
        let kind = segment.u8()?;
        let (class, number) = (kind >> 4, usize::from(kind & 15));
        if class > 1 || number > 3 {
            return Err(segment.on_end);
        }
        let counts: [u8; 16] = segment.take(16)?.try_into().expect("sixteen bytes were taken");
        let symbols = segment.take(counts.iter().map(|&count| usize::from(count)).sum())?;
        let table = HuffmanTable::new(&counts, symbols).ok_or(segment.on_end)?;
        let tables = if class == 0 { &mut tables.dc } else { &mut tables.ac };
        tables[number] = Some(table);
    }
    Ok(())
}

fn scan_header(
    segment: &mut Bytes<'_>,
    image: &mut Image,
    tables: &Tables,
) -> Result<Scan, JpegFault> {
    let invalid = segment.on_end;
    let count = usize::from(segment.u8()?);
    if count == 0 || count > image.components.len() {
        return Err(invalid);
    }
    let mut members = Vec::new();
    for _ in 0..count {
        let (id, kinds) = (segment.u8()?, segment.u8()?);
        let found = image.components.iter().position(|component| component.id == id);
        let component = found.ok_or(invalid)?;
        let (dc, ac) = (usize::from(kinds >> 4), usize::from(kinds & 15));
        // Members come in the order of the frame header.
        if members.last().is_some_and(|last: &[usize; 3]| last[0] >= component) || dc.max(ac) > 3 {
            return Err(invalid);
        }
        members.push([component, dc, ac]);
        let component = &mut image.components[component];
        if component.steps.is_none() {
            // A table that is defined anew later does not change what has begun.
            component.steps = tables.quantization[component.quantization];
            component.steps.ok_or(JpegFault::Segment { segment: "quantization table" })?;
        }
    }
    let (first, last, bits) = (segment.u8()?, segment.u8()?, segment.u8()?);
    let (high, low) = (bits >> 4, bits & 15);
    let band = [usize::from(first), usize::from(last)];
    let valid = if image.passes == Passes::Progressive {
        let dc = band == [0, 0];
        let ac = band[0] > 0 && band[0] <= band[1] && band[1] < 64 && count == 1;
        (dc || ac) && low <= 13 && (high == 0 || high == low + 1)
    } else {
        band == [0, 63] && bits == 0
    };
    if valid && segment.rest.is_empty() {
        Ok(Scan { members, band, refines: high > 0, low: low.into() })
    } else {
        Err(invalid)
    }
}
