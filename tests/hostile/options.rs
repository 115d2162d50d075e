//! What may be read of a string of octets as options of a segment.

use stubborn::wire::Options;

/// What is read of a string is possible, and what is written of that says the same.
pub fn read(octets: &[u8]) {
    let options = Options::parse(octets);
    assert!(options.window_scale.is_none_or(|shift| shift <= 14));
    assert!(options.sack.len() <= 4);
    let mut written = [0; Options::MAX_LEN];
    let len = options.wire_len();
    if len <= written.len() {
        options.write(&mut written);
        let again = Options::parse(&written[..len]);
        assert_eq!(again.mss, options.mss);
        assert_eq!(again.timestamps, options.timestamps);
        assert_eq!(again.sack_permitted, options.sack_permitted);
    }
}
