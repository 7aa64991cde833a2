//! Marker segments: tables, the frame header and the scans, in any valid order.

use super::{
    coefficients::{BLOCK_SIDE, CodedImage, ColourSpace, Component, Passes, Scan, Tables, ZIGZAG},
    entropy,
    error::{JpegError, PIXELS_MAX},
    huffman::HuffmanTable,
    standard,
};

/// Largest number of scans. A progressive image has about ten, and each one visits the whole image.
const SCANS_MAX: usize = 100;

/// Reads a file or one of its segments.
struct SegmentReader<'a> {
    rest: &'a [u8],
    on_end: JpegError,
}

impl<'a> SegmentReader<'a> {
    fn u8(&mut self) -> Result<u8, JpegError> {
        Ok(self.take(1)?[0])
    }

    fn u16(&mut self) -> Result<usize, JpegError> {
        let bytes = self.take(2)?;
        Ok(usize::from(u16::from_be_bytes([bytes[0], bytes[1]])))
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8], JpegError> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or(self.on_end)?;
        self.rest = rest;
        Ok(taken)
    }

    fn segment(&mut self, name: &'static str) -> Result<SegmentReader<'a>, JpegError> {
        let on_end = JpegError::Segment { what: name };
        let length = self.u16()?.checked_sub(2).ok_or(on_end)?;
        Ok(SegmentReader { rest: self.take(length)?, on_end })
    }
}

/// Reads a file up to its end-of-image marker.
pub(super) fn read(file: &[u8]) -> Result<CodedImage, JpegError> {
    if file.is_empty() {
        return Err(JpegError::Empty);
    }
    let mut bytes = SegmentReader { rest: file, on_end: JpegError::Truncated };
    if file.get(..3) != Some(&[0xff, 0xd8, 0xff]) {
        return Err(JpegError::NotJpeg);
    }
    bytes.take(2)?;
    let [dc, ac] = standard::tables();
    let mut tables = Tables { dc, ac, ..Tables::default() };
    let mut image: Option<CodedImage> = None;
    let mut scans = 0;
    loop {
        match marker(file, &mut bytes)? {
            0xd9 => break,
            0xda => {
                scans += 1;
                let image = image.as_mut().ok_or(JpegError::Segment {
                    what: "order of segments: a scan before the frame header",
                })?;
                if scans > SCANS_MAX {
                    return Err(JpegError::Unsupported { what: "an image of more than 100 scans" });
                }
                let scan = scan_header(&mut bytes.segment("scan header")?, image, &tables)?;
                bytes.rest = entropy::decode(bytes.rest, image, &scan, &tables)?;
            }
            0xc0..=0xc2 if image.is_some() => {
                return Err(JpegError::Segment { what: "second frame header" });
            }
            code @ 0xc0..=0xc2 => {
                let mut header = bytes.segment("frame header")?;
                let passes = if code == 0xc2 { Passes::Progressive } else { Passes::One };
                image = Some(frame_header(&mut header, passes)?);
            }
            0xc4 => huffman_tables(&mut bytes.segment("Huffman table")?, &mut tables)?,
            0xc9..=0xcc => {
                return Err(JpegError::Unsupported { what: "arithmetic coding" });
            }
            0xc3 | 0xc5..=0xcf | 0xdc | 0xde | 0xdf => {
                return Err(JpegError::Unsupported { what: "lossless or hierarchical coding" });
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
            _ => return Err(JpegError::Segment { what: "marker" }),
        }
    }
    let mut image = image.ok_or(JpegError::Truncated)?;
    if image.components.iter().any(|component| component.steps.is_none()) {
        return Err(JpegError::Truncated);
    }
    image.colour_space = colour_space(&image, &tables);
    Ok(image)
}

/// Returns the code of the next marker; any number of 0xff bytes may precede it.
fn marker(file: &[u8], bytes: &mut SegmentReader<'_>) -> Result<u8, JpegError> {
    let offset = file.len() - bytes.rest.len();
    if bytes.u8()? != 0xff {
        return Err(JpegError::NoMarker { offset });
    }
    loop {
        match bytes.u8()? {
            0xff => {}
            0 => return Err(JpegError::NoMarker { offset }),
            code => return Ok(code),
        }
    }
}

fn frame_header(segment: &mut SegmentReader<'_>, passes: Passes) -> Result<CodedImage, JpegError> {
    let invalid = segment.on_end;
    if segment.u8()? != 8 {
        return Err(JpegError::Unsupported { what: "a sample precision other than 8 bits" });
    }
    let (height, width) = (segment.u16()?, segment.u16()?);
    if height == 0 || width == 0 {
        return Err(invalid);
    }
    if (height * width) as u64 > PIXELS_MAX {
        return Err(JpegError::TooLarge { width, height });
    }
    let count = segment.u8()?;
    if count != 1 && count != 3 {
        return Err(JpegError::Unsupported {
            what: "an image with other than one or three components",
        });
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
    let mcus = [0, 1].map(|axis| extent[axis].div_ceil(BLOCK_SIDE * sampling_max[axis]));
    for component in &mut components {
        if (0..2).any(|axis| !sampling_max[axis].is_multiple_of(component.sampling[axis])) {
            return Err(JpegError::Unsupported { what: "fractional sampling" });
        }
        let factors = component.sampling;
        component.size =
            [0, 1].map(|axis| (extent[axis] * factors[axis]).div_ceil(sampling_max[axis]));
        component.blocks = component.size.map(|samples| samples.div_ceil(BLOCK_SIDE));
        component.stride = mcus[1] * factors[1];
        component.coefficients = vec![[0; 64]; mcus[0] * factors[0] * component.stride];
    }
    let colour_space = ColourSpace::Grey;
    Ok(CodedImage { height, width, sampling_max, passes, components, colour_space })
}

/// Returns the colour space that libjpeg chooses: by marker, else by the ids of the components.
fn colour_space(image: &CodedImage, tables: &Tables) -> ColourSpace {
    let ids: Vec<_> = image.components.iter().map(|component| component.id).collect();
    match (ids.as_slice(), tables.jfif, tables.adobe_transform) {
        ([_], ..) => ColourSpace::Grey,
        (_, false, Some(0)) | (b"RGB", false, None) => ColourSpace::Rgb,
        _ => ColourSpace::YCbCr,
    }
}

fn quantization_tables(
    segment: &mut SegmentReader<'_>,
    tables: &mut Tables,
) -> Result<(), JpegError> {
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

fn wide(segment: &mut SegmentReader<'_>) -> Result<u16, JpegError> {
    Ok(u16::from_be_bytes([segment.u8()?, segment.u8()?]))
}

fn huffman_tables(segment: &mut SegmentReader<'_>, tables: &mut Tables) -> Result<(), JpegError> {
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
    segment: &mut SegmentReader<'_>,
    image: &mut CodedImage,
    tables: &Tables,
) -> Result<Scan, JpegError> {
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
        // Members are in the order of the frame header.
        if members.last().is_some_and(|last: &[usize; 3]| last[0] >= component) || dc.max(ac) > 3 {
            return Err(invalid);
        }
        members.push([component, dc, ac]);
        let component = &mut image.components[component];
        if component.steps.is_none() {
            // A later redefinition of the table does not apply to a component that has begun.
            component.steps = tables.quantization[component.quantization];
            component
                .steps
                .ok_or(JpegError::Segment { what: "reference to a quantization table" })?;
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
