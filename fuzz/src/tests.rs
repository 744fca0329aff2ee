//! The corpus once more, and drawn bytes, on any toolchain.

use std::path::Path;

use crate::oracle::draws::Generator;

type Attack = (&'static str, fn(&[u8]));

const ATTACKS: [Attack; 4] = [
    ("drawn", crate::drawn),
    ("dealt", crate::dealt),
    ("codes", crate::codes),
    ("files", crate::files),
];

#[test]
fn the_corpus() {
    for (name, attack) in ATTACKS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        let mut files = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            attack(&std::fs::read(file.unwrap().path()).unwrap());
            files += 1;
        }
        assert!(files > 10, "{name} has no corpus");
    }
}

#[test]
fn drawn_bytes() {
    for (name, attack) in ATTACKS {
        for seed in 0..500 {
            let mut generator = Generator::new(seed);
            let bytes: Vec<u8> = (0..100 + generator.below(2000))
                .map(|_| generator.below(256) as u8)
                .collect();
            let outcome = std::panic::catch_unwind(|| attack(&bytes));
            assert!(outcome.is_ok(), "{name}, seed {seed}");
        }
    }
}

#[test]
fn hashes_are_those_that_are_known() {
    for (bytes, hash) in [
        (&b""[..], 0xEF46_DB37_51D8_E999),
        (b"abc", 0x44BC_2CF5_AD77_0999),
        (b"Nobody inspects the spammish repetition", 0xFBCE_A83C_8A37_8BF1),
    ] {
        assert_eq!(crate::xxh64::xxh64(bytes), hash);
    }
}
