//! Tests of the options of a segment: every order, length and odd string.

use proptest::prelude::*;

use super::*;

/// Every value that a header may carry.
pub(in crate::wire) fn any_options() -> impl Strategy<Value = Options> {
    let block = any::<[u32; 2]>().prop_map(|[left, right]| SackBlock { left, right });
    let timestamps = any::<[u32; 2]>().prop_map(|[val, ecr]| Timestamps { val, ecr });
    (
        any::<Option<u16>>(),
        prop::option::of(0..=MAX_WINDOW_SCALE),
        any::<bool>(),
        prop::collection::vec(block, 0..=SackBlocks::MAX),
        prop::option::of(timestamps),
        any_accurate_ecn(),
        any_fast_open(),
    )
        .prop_map(
            |(mss, window_scale, sack_permitted, blocks, timestamps, accurate_ecn, fast_open)| {
                Options {
                    mss,
                    window_scale,
                    sack_permitted,
                    sack: sack(&blocks),
                    timestamps,
                    accurate_ecn,
                    fast_open,
                    signature: false,
                    layout: Layout::default(),
                }
            },
        )
}

fn any_accurate_ecn() -> impl Strategy<Value = Option<AccurateEcn>> {
    let order = prop_oneof![Just(CounterOrder::E0First), Just(CounterOrder::E1First)];
    let option = (order, any::<[u32; 3]>(), 0..=3usize);
    prop::option::of(option.prop_map(|(order, [e0b, ceb, e1b], fields)| {
        AccurateEcn::new(order, ByteCounters { e0b, ceb, e1b }, fields)
    }))
}

fn any_fast_open() -> impl Strategy<Value = Option<FastOpen>> {
    let octets = prop::collection::vec(any::<u8>(), 0..=Cookie::MAX);
    let option = (octets, any::<bool>());
    prop::option::of(option.prop_map(|(octets, experimental)| FastOpen {
        cookie: Cookie::new(&octets),
        experimental,
    }))
}

/// What arrives of options that were sent: as many blocks as there was room for.
pub(in crate::wire) fn limited(options: Options) -> Options {
    let room = options.sack_room();
    Options {
        sack: sack(&options.sack.as_slice()[..room]),
        fast_open: options.fast_open_with_room().copied(),
        ..options
    }
}

fn sack(blocks: &[SackBlock]) -> SackBlocks {
    let mut sack = SackBlocks::default();
    assert!(blocks.iter().all(|&block| sack.push(block)));
    sack
}

fn block(left: u32, right: u32) -> SackBlock {
    SackBlock { left, right }
}

pub(super) fn written(options: Options) -> Vec<u8> {
    let mut out = [0xee; Options::MAX_LEN];
    let len = options.write(&mut out);
    assert_eq!(len, options.wire_len());
    assert!(out[len..].iter().all(|&octet| octet == 0xee));
    out[..len].to_vec()
}

const MSS_1460: Options = Options {
    mss: Some(1460),
    window_scale: None,
    sack_permitted: false,
    sack: SackBlocks::NONE,
    timestamps: None,
    accurate_ecn: None,
    fast_open: None,
    signature: false,
    layout: Layout::TimestampsFirst,
};
const TS: Timestamps = Timestamps { val: 1, ecr: 2 };

#[test]
fn a_syn_has_them_in_the_order_of_linux() {
    let all = Options {
        sack_permitted: true,
        timestamps: Some(TS),
        window_scale: Some(7),
        ..MSS_1460
    };
    let bytes = [
        2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7,
    ];
    assert_eq!(written(all), bytes);

    let no_timestamps = Options {
        timestamps: None,
        ..all
    };
    let bytes = [2, 4, 5, 180, 1, 1, 4, 2, 1, 3, 3, 7];
    assert_eq!(written(no_timestamps), bytes);

    let no_sack = Options {
        sack_permitted: false,
        ..all
    };
    let bytes = [
        2, 4, 5, 180, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7,
    ];
    assert_eq!(written(no_sack), bytes);
    assert_eq!(written(MSS_1460), [2, 4, 5, 180]);
}

#[test]
fn other_segments_pad_in_front() {
    let options = Options {
        timestamps: Some(TS),
        sack: sack(&[block(3, 4)]),
        ..Options::default()
    };
    let bytes = [
        1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1, 5, 10, 0, 0, 0, 3, 0, 0, 0, 4,
    ];
    assert_eq!(written(options), bytes);
}

#[test]
fn blocks_without_room_are_left_out() {
    let four: Vec<_> = (0..4).map(|n| block(n, n + 1)).collect();
    let alone = Options {
        sack: sack(&four),
        ..Options::default()
    };
    assert_eq!(alone.wire_len(), 36);
    assert_eq!(Options::parse(&written(alone)), alone);
    let beside_timestamps = Options {
        timestamps: Some(TS),
        ..alone
    };
    assert_eq!(beside_timestamps.wire_len(), 40);
    let read = Options::parse(&written(beside_timestamps));
    assert_eq!(read.sack, sack(&four[..3]));
}

#[test]
fn around_an_mss_in_odd_strings() {
    let rows: &[(&str, &[u8], bool)] = &[
        (
            "unknown kinds are skipped",
            &[34, 4, 9, 9, 254, 2, 2, 4, 5, 180],
            true,
        ),
        ("length 0 ends the reading", &[2, 0, 2, 4, 5, 180], false),
        ("length 1 ends the reading", &[2, 1, 2, 4, 5, 180], false),
        ("unknown, length 0", &[99, 0, 2, 4, 5, 180], false),
        ("unknown, length 1", &[99, 1, 2, 4, 5, 180], false),
        ("what came before counts", &[2, 4, 5, 180, 99, 0], true),
        ("length beyond the end", &[2, 4, 5, 180, 3, 4, 7], true),
        ("kind without a length", &[2, 4, 5, 180, 3], true),
        ("nothing behind the end", &[0, 2, 4, 5, 180], false),
        (
            "wrong length of a known kind",
            &[2, 3, 5, 2, 4, 5, 180],
            true,
        ),
        ("the first of two counts", &[2, 4, 5, 180, 2, 4, 1, 1], true),
    ];
    for (what, bytes, has_mss) in rows {
        let expected = if *has_mss {
            MSS_1460
        } else {
            Options::default()
        };
        assert_eq!(Options::parse(bytes), expected, "{what}");
    }
}

#[test]
fn a_window_scale_counts_as_14_at_most() {
    let scale = |bytes: &[u8]| Options::parse(bytes).window_scale;
    for shift in 0..=255 {
        assert_eq!(scale(&[3, 3, shift]), Some(shift.min(14)));
    }
    assert_eq!(
        scale(&[3, 3, 1, 3, 3, 2]),
        Some(1),
        "the first of two counts"
    );
}

#[test]
fn options_with_a_wrong_length_are_skipped() {
    let sack_permitted = Options {
        sack_permitted: true,
        ..Options::default()
    };
    let wrong: [&[u8]; 6] = [
        &[2, 2],
        &[3, 4, 0, 0],
        &[4, 3, 0],
        &[5, 2],
        &[8, 9, 0, 0, 0, 1, 0, 0, 0],
        &[8, 11, 0, 0, 0, 1, 0, 0, 0, 2, 0],
    ];
    for wrong in wrong {
        assert_eq!(Options::parse(wrong), Options::default(), "{wrong:?}");
        let followed = [wrong, &[4, 2]].concat();
        assert_eq!(Options::parse(&followed), sack_permitted, "{wrong:?}");
    }
}

#[test]
fn a_sack_option_has_one_to_four_whole_blocks() {
    for len in 2..=40u8 {
        let mut bytes = vec![0; usize::from(len)];
        bytes[..2].copy_from_slice(&[5, len]);
        let blocks = match len {
            10 => 1,
            18 => 2,
            26 => 3,
            34 => 4,
            _ => 0,
        };
        assert_eq!(Options::parse(&bytes).sack.len(), blocks, "length {len}");
    }
    let two = [5, 10, 0, 0, 0, 1, 0, 0, 0, 2, 5, 10, 0, 0, 0, 3, 0, 0, 0, 4];
    assert_eq!(Options::parse(&two).sack, sack(&[block(1, 2)]));
}

#[test]
fn the_quick_way_reads_what_the_long_way_reads() {
    let quick = [1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8];
    let long = [&quick[..], &[0]].concat();
    let expected = Options {
        timestamps: Some(Timestamps {
            val: 0x0102_0304,
            ecr: 0x0506_0708,
        }),
        ..Options::default()
    };
    assert_eq!(Options::parse(&quick), expected);
    assert_eq!(Options::parse(&long), expected);
}

fn no_counter(order: CounterOrder) -> Options {
    Options {
        accurate_ecn: Some(AccurateEcn::new(order, ByteCounters::default(), 0)),
        ..Options::default()
    }
}

/// Only two options fit in three octets, so for every string it is known what it says.
#[test]
fn every_string_of_up_to_three_octets() {
    let expected = |bytes: &[u8]| match *bytes {
        [4, 2] | [4, 2, _] | [1, 4, 2] => Options {
            sack_permitted: true,
            ..Options::default()
        },
        [3, 3, shift] => Options {
            window_scale: Some(shift.min(14)),
            ..Options::default()
        },
        [172, 2] | [172, 2, _] | [1, 172, 2] => no_counter(CounterOrder::E0First),
        [174, 2] | [174, 2, _] | [1, 174, 2] => no_counter(CounterOrder::E1First),
        [172, 3, _] => no_counter(CounterOrder::E0First),
        [34, 2] | [34, 2, _] | [1, 34, 2] => Options {
            fast_open: Some(FastOpen::default()),
            ..Options::default()
        },
        [174, 3, _] => no_counter(CounterOrder::E1First),
        _ => Options::default(),
    };
    for number in 0..1u32 << 24 {
        let [_, bytes @ ..] = number.to_be_bytes();
        assert_eq!(Options::parse(&bytes), expected(&bytes), "{bytes:?}");
        if number < 1 << 16 {
            let bytes = &bytes[1..];
            assert_eq!(Options::parse(bytes), expected(bytes), "{bytes:?}");
        }
        if number < 1 << 8 {
            let bytes = &bytes[2..];
            assert_eq!(Options::parse(bytes), expected(bytes), "{bytes:?}");
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(options in any_options()) {
        let bytes = written(options);
        prop_assert!(bytes.len() <= Options::MAX_LEN && bytes.len().is_multiple_of(4));
        prop_assert_eq!(Options::parse(&bytes), limited(options));
    }

    #[test]
    fn any_string_is_read_within_its_bounds(
        bytes in prop::collection::vec(prop_oneof![0..12u8, any::<u8>()], 0..=40)
    ) {
        let options = Options::parse(&bytes);
        prop_assert!(options.window_scale.is_none_or(|shift| shift <= MAX_WINDOW_SCALE));
        // Each option that is read is in the string.
        let stands = |octets: &[u8]| bytes.windows(octets.len()).any(|window| window == octets);
        if let Some(mss) = options.mss {
            prop_assert!(stands(&mss.to_be_bytes()));
        }
        if let Some(Timestamps { val, ecr }) = options.timestamps {
            prop_assert!(stands(&val.to_be_bytes()) && stands(&ecr.to_be_bytes()));
        }
        let read = RawOptions(&bytes).map(|raw| match raw {
            RawOption::Option { data, .. } => 2 + data.len(),
            RawOption::End | RawOption::NoOperation | RawOption::Bad => 1,
        });
        prop_assert!(read.sum::<usize>() <= bytes.len());
    }
}

/// RFC 2385 §3.0: kind 19, 18 octets, here with zeros for the digest. On a SYN it stands where Linux has
/// it, or where FreeBSD does; everything else of a SYN finds room beside it, and two SACK blocks do.
#[test]
fn a_signature_has_room_beside_others() {
    let digest = [0; 16];
    let room = [&[1, 1, 19, 18][..], &digest].concat();
    let signed = Options {
        signature: true,
        ..Options::default()
    };
    assert_eq!(written(signed), room);
    let syn = Options {
        sack_permitted: true,
        window_scale: Some(7),
        timestamps: Some(TS),
        signature: true,
        ..MSS_1460
    };
    assert_eq!(syn.wire_len(), Options::MAX_LEN);
    assert_eq!(written(syn)[..20], room);
    assert_eq!(Options::parse(&written(syn)), syn);
    let as_freebsd = Options {
        layout: Layout::ScaleFirst,
        ..syn
    };
    assert_eq!(written(as_freebsd)[20..], room);
    assert_eq!(Options::parse(&written(as_freebsd)), syn);
    let no_timestamps = Options {
        timestamps: None,
        window_scale: None,
        ..as_freebsd
    };
    assert_eq!(
        written(no_timestamps),
        [&[2, 4, 5, 180, 4, 2, 19, 18][..], &digest].concat()
    );
    let blocks: Vec<_> = (0..4).map(|n| block(n, n + 1)).collect();
    let with_sack = Options {
        sack: sack(&blocks),
        ..signed
    };
    assert_eq!(Options::parse(&written(with_sack)).sack.len(), 2);
    let with_both = Options {
        timestamps: Some(TS),
        ..with_sack
    };
    assert_eq!(Options::parse(&written(with_both)).sack.len(), 0);
    // Another length is no signature.
    for len in (2..40u8).filter(|len| *len != 18) {
        let mut octets = vec![0; usize::from(len)];
        octets[..2].copy_from_slice(&[19, len]);
        assert!(!Options::parse(&octets).signature, "{len}");
    }
}
