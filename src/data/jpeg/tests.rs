use super::*;

#[test]
fn text_is_no_picture() {
    assert_eq!(decode(b"no jpeg", Dct::Fast), Err(JpegFault::NotJpeg));
    assert_eq!(decode(b"", Dct::Fast), Err(JpegFault::Empty));
}
