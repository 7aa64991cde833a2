//! Records, examples and sequences: any bytes are read or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reprise_data::{
    jpeg::Dct,
    tfrecord::{Example, RecordLayout, Records, framing::write_record, read_sequence},
};

fn sequence(data: &[u8]) {
    let Ok(example) = Example::parse(data) else { return };
    for layout in [RecordLayout::Berkeley, RecordLayout::GooglePush] {
        let frames = layout.frames(&example).clamp(1, 3);
        let mut errors = 0;
        let read = read_sequence(&example, layout, frames, Dct::Fast, Ok, |_, _| errors += 1);
        assert_eq!(read.is_some(), errors == 0, "a sequence without errors is returned");
        if let Some(read) = read {
            assert_eq!(read.images.len(), frames);
            assert_eq!(read.actions.len(), frames * layout.action_size());
            assert_eq!(read.states.len(), frames * layout.state_size());
        }
    }
}

fuzz_target!(|data: &[u8]| {
    // Few inputs have valid checksums, so the data are also tried as an example.
    sequence(data);
    let mut again = Vec::new();
    for record in Records::new(data, data.len() as u64) {
        let Ok(record) = record else { return };
        sequence(&record.data);
        write_record(&record.data, &mut again);
    }
    assert_eq!(again, data, "all bytes were read");
});
