//! Known answers of everything beneath dealt batches.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::deck::Deck;
use super::keys::{Keys, mix64, onto, word};
use super::laps::{Laps, first_place};
use crate::draw::words_of;

fn answers() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/known_answers/dealt_layers.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn cases(answers: &Value, name: &str) -> Vec<Value> {
    answers[name].as_array().unwrap().clone()
}

fn hex(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap(), 16).unwrap()
}

fn int(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

fn ints(value: &Value) -> Vec<u32> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|value| int(value) as u32)
        .collect()
}

#[test]
fn words_and_keys() {
    let answers = answers();
    for case in cases(&answers, "seed_words") {
        let expected: Vec<u64> = case["words"].as_array().unwrap().iter().map(hex).collect();
        assert_eq!(words_of([hex(&case["seed"]), int(&case["epoch"])]).to_vec(), expected);
    }
    for case in cases(&answers, "mix64") {
        assert_eq!(mix64(hex(&case[0])), hex(&case[1]));
    }
    for case in cases(&answers, "onto") {
        assert_eq!(u64::from(onto(hex(&case[0]), int(&case[1]) as u32)), int(&case[2]));
    }
    for case in cases(&answers, "keys") {
        let key = Keys::new(hex(&case["seed"])).key_of(int(&case["p"]), int(&case["a"]), hex(&case["b"]));
        assert_eq!(key, hex(&case["key"]), "{case}");
        let words: Vec<u64> = case["words"].as_array().unwrap().iter().map(hex).collect();
        assert!((0..3).map(|number| word(key, number)).eq(words));
        assert_eq!(word(key, 64), hex(&case["word_64"]));
    }
    for case in cases(&answers, "generators") {
        let generator = Keys::new(hex(&case["seed"])).generator(int(&case["epoch"]), int(&case["batch"]));
        let mut words = generator.clone();
        for expected in case["next64"].as_array().unwrap() {
            assert_eq!(words.next64(), hex(expected), "{case}");
        }
        let mut halves = generator;
        for expected in case["next32"].as_array().unwrap() {
            assert_eq!(u64::from(halves.next32()), int(expected), "{case}");
        }
    }
}

#[test]
fn decks() {
    for case in cases(&answers(), "decks") {
        let deck = Deck::new(int(&case["cards"]) as u32, hex(&case["key"]));
        for (place, card) in ints(&case["places"]).into_iter().zip(ints(&case["dealt"])) {
            assert_eq!(deck.card(place), card, "{case}");
        }
        let mut cards = vec![0; int(&case["count"]) as usize];
        deck.deal(int(&case["from"]) as u32, &mut cards);
        let bytes: Vec<u8> = cards.into_iter().flat_map(u32::to_le_bytes).collect();
        let digest = Sha256::digest(bytes)
            .iter()
            .fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"));
        assert_eq!(digest, case["sha256"].as_str().unwrap(), "{case}");
    }
}

#[test]
fn laps() {
    for case in cases(&answers(), "laps") {
        let [cards, taken, block] = ["cards", "taken", "block"].map(|name| int(&case[name]) as u32);
        let laps = Laps::new(cards, taken, block);
        assert_eq!(laps.deals(), int(&case["deals"]));
        for deal in case["numbers"].as_array().unwrap() {
            let (lap, number) = laps.of(int(&deal["number"]));
            assert_eq!((lap, number), (int(&deal["lap"]), int(&deal["deal"])));
            let first = first_place(cards, taken, number);
            if let Some(expected) = deal["first"].as_u64() {
                assert_eq!(u64::from(first), expected, "{deal}");
                continue;
            }
            let places = ints(&deal["places"]);
            let of_deal = (0..u64::from(taken)).map(|place| ((u64::from(first) + place) % u64::from(cards)) as u32);
            assert!(of_deal.take(places.len()).eq(places), "{deal}");
        }
    }
}
